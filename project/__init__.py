"""The demonstration site. Newcomers copy from here; the app itself lives in ``seedance``."""
