-- Package distlearn: data-parallel training over the trees of package ipc.
return { AllReduceSGD = require 'distlearn.AllReduceSGD', AllReduceEA = require 'distlearn.AllReduceEA' }
