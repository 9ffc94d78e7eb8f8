"""The wire: how to speak to a Seedance provider. Knows no settings and no rows."""
