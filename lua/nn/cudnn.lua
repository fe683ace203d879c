-- The classes that cudnn and nn both have, with the same fields: what cudnn.convert goes through, and what files of
-- machines with cuDNN load as where that is not there.
return {
   'BatchNormalization', 'SpatialBatchNormalization', 'VolumetricBatchNormalization', 'SpatialConvolution',
   'VolumetricConvolution', 'SpatialFullConvolution', 'VolumetricFullConvolution', 'SpatialCrossMapLRN',
   'SpatialMaxPooling', 'SpatialAveragePooling', 'VolumetricMaxPooling', 'VolumetricAveragePooling', 'ReLU', 'Tanh',
   'Sigmoid', 'SoftMax', 'LogSoftMax', 'SpatialSoftMax', 'SpatialLogSoftMax',
}
