"""qmlmat: quantum machine learning for molecules and materials."""
