"""What is had without any training: embeddings that a network must beat, with numpy and cv2 alone."""

from evaluation.naive.colours import colour_histogram
from evaluation.naive.mfcc import MFCC_COUNT, mean_mfcc, mean_std_mfcc, mfcc
from evaluation.naive.thumbnails import pixels
from evaluation.naive.vectors import unit

__all__ = ["MFCC_COUNT", "colour_histogram", "mean_mfcc", "mean_std_mfcc", "mfcc", "pixels", "unit"]
