-- unsup: encoders that learn codes: auto-encoders, and predictors of sparse codes (Kavukcuoglu et al. 2008).
local shared = require 'unsup.modules'

local function squared()
   local cost = nn.MSECriterion()
   cost.sizeAverage = false
   return cost
end

-- unsup.AutoEncoder(encoder, decoder, beta, loss, lambda, codeloss): beta times the reconstruction's loss, and lambda
-- times a cost of the code. updateOutput(input, target) gives the sum.
do
   local AutoEncoder, parent = torch.class('unsup.AutoEncoder', 'unsup.UnsupModule')

   function AutoEncoder:__init(encoder, decoder, beta, loss, lambda, codeloss)
      parent.__init(self)
      self.encoder, self.decoder, self.beta, self.loss = encoder, decoder, beta, loss or squared()
      if lambda and codeloss then self.lambda, self.codecost = lambda, codeloss end
   end
   shared.pair(AutoEncoder)

   function AutoEncoder:updateOutput(input, target)
      local code = self.encoder:updateOutput(input)
      self.output = self.beta * self.loss:updateOutput(self.decoder:updateOutput(code), target)
      if self.lambda then self.output = self.output + self.lambda * self.codecost:updateOutput(code) end
      return self.output
   end

   -- from the loss to the input, with one kind of derivative
   local function back(self, input, target, method, field)
      self.loss[method](self.loss, self.decoder.output, target)
      self.loss[field]:mul(self.beta)
      self.decoder[method](self.decoder, self.encoder.output, self.loss[field])
      if self.lambda then
         self.codecost[method](self.codecost, self.encoder.output)
         self.decoder[field]:add(self.lambda, self.codecost[field])
      end
      self.encoder[method](self.encoder, input, self.decoder[field])
      self[field] = self.encoder[field]
      return self[field]
   end
   function AutoEncoder:updateGradInput(input, target)
      return back(self, input, target, 'updateGradInput', 'gradInput')
   end
   function AutoEncoder:updateDiagHessianInput(input, target)
      return back(self, input, target, 'updateDiagHessianInput', 'diagHessianInput')
   end
   function AutoEncoder:accGradParameters(input)
      self.decoder:accGradParameters(self.encoder.output, self.loss.gradInput)
      self.encoder:accGradParameters(input, self.decoder.gradInput)
   end
   function AutoEncoder:accDiagHessianParameters(input)
      self.decoder:accDiagHessianParameters(self.encoder.output, self.loss.diagHessianInput)
      self.encoder:accDiagHessianParameters(input, self.decoder.diagHessianInput)
   end
   function AutoEncoder:normalize()
      if self.normalized then shared.normalize(self.decoder.weight) end
   end
end

-- unsup.SparseAutoEncoder(encoder, decoder, beta, lambda, loss): one with the L1 norm as the code's cost.
do
   local SparseAutoEncoder = torch.class('unsup.SparseAutoEncoder', 'unsup.AutoEncoder')
   function SparseAutoEncoder:__init(encoder, decoder, beta, lambda, loss)
      unsup.AutoEncoder.__init(self, encoder, decoder, beta, loss, lambda, nn.L1Cost())
   end
end

-- unsup.PSD(encoder, decoder, beta, params): the encoder learns to predict the decoder's sparse code.
do
   local PSD, parent = torch.class('unsup.PSD', 'unsup.UnsupModule')

   function PSD:__init(encoder, decoder, beta, params)
      parent.__init(self)
      self.encoder, self.decoder, self.beta, self.params = encoder, decoder, beta, params or {}
      self.predcost = squared()
      self:reset()
   end
   shared.pair(PSD)

   function PSD:updateOutput(input)
      local prediction = self.encoder:updateOutput(input)
      local value, history = self.decoder:updateOutput(input, prediction)
      return value + self.beta * self.predcost:updateOutput(prediction, self.decoder.code), history
   end
   function PSD:updateGradInput(input)
      self.predcost:updateGradInput(self.encoder.output, self.decoder.code):mul(self.beta)
      self.gradInput = self.encoder:updateGradInput(input, self.predcost.gradInput)
      return self.gradInput
   end
   function PSD:accGradParameters(input)
      self.decoder:accGradParameters(input)
      self.encoder:accGradParameters(input, self.predcost.gradInput)
   end
   function PSD:updateDiagHessianInput(input)
      self.predcost:updateDiagHessianInput(self.encoder.output, self.decoder.code):mul(self.beta)
      self.diagHessianInput = self.encoder:updateDiagHessianInput(input, self.predcost.diagHessianInput)
      return self.diagHessianInput
   end
   function PSD:accDiagHessianParameters(input)
      self.decoder:accDiagHessianParameters(input)
      self.encoder:accDiagHessianParameters(input, self.predcost.diagHessianInput)
   end
   function PSD:normalize() self.decoder:normalize() end
end

-- An encoder of params.encoderType: 'linear', 'tanh' or 'tanh_shrink', the last two with a factor for each code.
local function encoder(class, params, layer, codes)
   params.encoderType = params.encoderType or 'linear'
   if params.encoderType == 'linear' then return layer end
   local squash = ({ tanh = nn.Tanh, tanh_shrink = nn.TanhShrink })[params.encoderType]
   if not squash then
      error(string.format("%s: expected encoderType 'linear', 'tanh' or 'tanh_shrink', got %s", class,
         tostring(params.encoderType)), 3)
   end
   return nn.Sequential():add(layer):add(squash()):add(nn.Diag(codes))
end

-- unsup.LinearPSD(inputs, codes, lambda, beta, params)
do
   local LinearPSD = torch.class('unsup.LinearPSD', 'unsup.PSD')
   function LinearPSD:__init(inputSize, outputSize, lambda, beta, params)
      params = params or {}
      local decoder = unsup.LinearFistaL1(inputSize, outputSize, lambda, params)
      local predictor = encoder('unsup.LinearPSD', params, nn.Linear(inputSize, outputSize), outputSize)
      unsup.PSD.__init(self, predictor, decoder, beta, params)
   end
end

-- unsup.ConvPSD(table, kw, kh, iw, ih, lambda, beta, params)
do
   local ConvPSD = torch.class('unsup.ConvPSD', 'unsup.PSD')
   function ConvPSD:__init(conntable, kw, kh, iw, ih, lambda, beta, params)
      params = params or {}
      local back = torch.cat(conntable:narrow(2, 2, 1), conntable:narrow(2, 1, 1), 2)
      local decoder = unsup.SpatialConvFistaL1(back, kw, kh, iw, ih, lambda, params)
      local codes = conntable:select(2, 2):max()
      local predictor = encoder('unsup.ConvPSD', params, nn.SpatialConvolutionMap(conntable, kw, kh, 1, 1), codes)
      unsup.PSD.__init(self, predictor, decoder, beta, params)
   end
end
