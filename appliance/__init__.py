"""The appliance: what takes studies in, runs the analysis on them and leaves results that people and machines read."""
