"""What users and projects write for the model beforehand: instructions, templates, system texts."""
