"""One child process for each program; the parent asks them in turn."""
