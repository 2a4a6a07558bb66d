"""Labels: what readers drew on a CT series, from a DICOM SEG, an RTSTRUCT or a NIfTI, on that series' own voxels."""
