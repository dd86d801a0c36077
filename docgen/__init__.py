"""docgen: Japanese health-insurance entitlement documents as print-ready PDF."""

__version__ = "0.1.0"
