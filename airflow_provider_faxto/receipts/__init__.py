"""Receipts: what lasts of a fax job, one JSON file for each in a storage of the user's own."""
