"""What TensorRT's ONNX parser can read: operators, element types, opsets.

The table repeats facts of `docs/operators.md` of github.com/onnx/onnx-tensorrt, read on 2026-11-28 in two states: the
one that calls itself TensorRT 11.0 (commit 2f3fa349247d9ff52d7662cb995c82278df31a86) and the one that calls itself
TensorRT 10.15. They differ in one operator. The page is the parser's promise, not ours: nothing here was run in
TensorRT.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Both ends count.
OPSETS = (9, 24)
# Operators that the page of TensorRT 10.15 does not have yet.
SINCE_11 = frozenset({"Swish"})

_FLOATS = "FP32 FP16 BF16"
_NUMBERS = f"{_FLOATS} INT32 INT64"
_ALL = f"{_NUMBERS} BOOL"

_BY_TYPES: tuple[tuple[str, str], ...] = (
    ("FP32", "STFT"),
    (
        "FP32 FP16",
        "BlackmanWindow DeformConv GridSample HammingWindow HannWindow Mish NonMaxSuppression NonZero RoiAlign",
    ),
    (
        _FLOATS,
        "Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu Clip Conv ConvTranspose Cos Cosh "
        "CumSum "
        "Dropout Einsum Elu Erf Exp Floor GRU Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool "
        "GroupNormalization HardSigmoid HardSwish Hardmax ImageScaler InstanceNormalization IsInf LRN LSTM "
        "LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LpPool MatMul MaxPool MeanVarianceNormalization "
        "PRelu "
        "ParametricSoftplus QuantizeLinear RMSNormalization RNN RandomNormal RandomNormalLike RandomUniform "
        "RandomUniformLike Reciprocal Resize RotaryEmbedding Round ScaledTanh Scan Selu Sigmoid Sin Sinh Softmax "
        "Softplus "
        "Softsign Sqrt Swish Tan Tanh ThresholdedRelu Upsample",
    ),
    (f"{_FLOATS} INT32", "TensorScatter"),
    (
        _NUMBERS,
        "Abs Add ArgMax ArgMin DepthToSpace Div Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Max Min Mod Mul "
        "Neg Pad "
        "Pow Range ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
        "ReduceSumSquare Relu Scatter ScatterElements ScatterND Shrink Sign SpaceToDepth Sub Sum TopK",
    ),
    (f"{_NUMBERS} INT8", "Gelu"),
    (f"{_NUMBERS} FP8", "Mean"),
    (f"{_FLOATS} INT8 FP8", "Attention"),
    (
        _ALL,
        "Concat Expand EyeLike Flatten Gather GatherElements GatherND Identity If Loop OneHot Reshape "
        "ReverseSequence Shape "
        "Size Slice Split Squeeze Tile Transpose Trilu Unsqueeze Where",
    ),
    # Of network inputs and outputs UINT8 may only meet a cast.
    (f"{_ALL} UINT8", "Cast CastLike"),
    (f"{_ALL} FP8 FP4 INT4", "Constant ConstantOfShape"),
    ("INT8 FP8 FP4 INT4", "DequantizeLinear"),
    ("BOOL", "And Not Or Xor"),
)

SUPPORTED: Mapping[str, frozenset[str]] = MappingProxyType(
    {operator: frozenset(types.split()) for types, operators in _BY_TYPES for operator in operators.split()}
)

_REFUSED = (
    "AffineGrid Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Col2Im CenterCropPad Compress "
    "ConcatFromSequence ConvInteger DFT Det DynamicQuantizeLinear ImageDecoder MatMulInteger MaxRoiPool MaxUnpool "
    "MelWeightMatrix Multinomial NegativeLogLikelihoodLoss Optional OptionalGetElement OptionalHasElement QLinearConv "
    "QLinearMatMul RegexFullMatch SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert "
    "SequenceLength "
    "SequenceMap SoftmaxCrossEntropyLoss SplitToSequence StringConcat StringNormalizer StringSplit TfIdfVectorizer "
    "Unique"
)
UNSUPPORTED = frozenset(_REFUSED.split())
