"""The protocol `iqiyi`: clips are named as one of some known people, among distractors."""
