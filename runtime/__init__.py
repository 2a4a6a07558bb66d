"""The analysis: DICOM series in, finding out. Imports none of the other packages, and never torch."""
