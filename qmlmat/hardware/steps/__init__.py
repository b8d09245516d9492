"""The steps by which tasks go from plan to answer; each can be killed anywhere and done again."""
