"""What the command ``pcaspy`` does: files that define PVs are checked and served."""
