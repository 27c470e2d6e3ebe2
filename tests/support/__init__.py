"""What tests of several folders share; loaded as pytest plugins by ``tests/conftest.py``."""
