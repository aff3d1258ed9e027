"""What somebody or something shows to come in, and what each failure costs."""
