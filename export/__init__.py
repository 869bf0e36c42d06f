"""From torch weights to what is served: ONNX files with half-size weights, compared with their source, in a pack."""
