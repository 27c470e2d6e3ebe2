"""The page *Faxes* in Airflow's own menu, and the tab *Fax* of a task instance (Airflow 3.1 and later)."""
