"""What sites drop into the inbox, one fixture and one coded outcome each. The table is table.CASES."""
