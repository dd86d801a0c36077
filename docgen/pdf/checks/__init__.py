"""The rules that `docgen.pdf.preflight` holds a file against, one module for each part of a file."""
