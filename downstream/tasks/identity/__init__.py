"""Do two ECGs belong to one person: beats compared, and how often that is right."""
