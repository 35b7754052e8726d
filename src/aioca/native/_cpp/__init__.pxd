"""ext/client: what the modules of this package use of it, one file a header."""
