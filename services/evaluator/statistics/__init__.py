"""Statistics: many scores become a number with an interval, and two lists of scores a difference with one."""
