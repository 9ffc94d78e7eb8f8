"""The demonstration site, an example of how to use the app ``seedance``."""
