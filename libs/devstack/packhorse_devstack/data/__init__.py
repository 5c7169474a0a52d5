"""Real orders of a real shop, and the converter that makes replay files of them: see README.md beside this file."""
