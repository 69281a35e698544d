"""Many rows in files: reading them with their places, and writing them so that they read back as the same. No models.

`columns` says what a row of a kind has; `reading` turns files into records; `writing` is the way back.
"""
