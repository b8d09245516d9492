"""Times qmlmat side by side with other programs; see benchmarks/README.md."""
