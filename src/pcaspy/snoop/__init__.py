"""Watches the searches and beacons of a network: what ``pcaspy snoop`` runs."""
