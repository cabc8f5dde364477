"""ModelTraining: what is observed of a training, and the pure plan that follows from it."""
