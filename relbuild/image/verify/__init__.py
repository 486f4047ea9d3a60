"""The verification of an image: its facts and the trial of its release, judged as findings."""
