"""Engines: what turns slices into probabilities, each on its own hardware, behind one protocol."""
