"""What each Seedance model accepts and costs, and the rules that refuse a request before anything is paid.

Facts are data (``models.toml``); everything else here reads them. Nothing in this package knows settings, rows or the
network: a site's additions are handed to :func:`seedance.catalogue.loading.load` as an argument.
"""
