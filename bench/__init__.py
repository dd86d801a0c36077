"""docgen beside other libraries on the same card: `make bench`."""
