"""The bureau's workbooks: reading one into grants, and writing a believable one for trying out."""
