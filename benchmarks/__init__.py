"""Speed, as ratios against a reference in the same run; never part of the tests."""
