"""What is had without any training: embeddings that a network must beat, with numpy and cv2 alone."""

from evaluation.naive.colours import colour_histogram
from evaluation.naive.mfcc import MFCC_COUNT, mean_mfcc, mean_std_mfcc, mfcc
from evaluation.naive.thumbnails import pixels
from evaluation.naive.vectors import unit
from evaluation.naive.words import BagError, BagOfWords, fit_bag_of_words, read_bag, write_bag

__all__ = [
    "MFCC_COUNT",
    "BagError",
    "BagOfWords",
    "colour_histogram",
    "fit_bag_of_words",
    "mean_mfcc",
    "mean_std_mfcc",
    "mfcc",
    "pixels",
    "read_bag",
    "unit",
    "write_bag",
]
