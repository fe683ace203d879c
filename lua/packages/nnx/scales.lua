-- nnx: pictures (planes x height x width) at several scales, each with a network of its own.
local expect = require 'nn.expect'
local options = require 'nnx.options'

-- Networks for ratios: lists of one length, ratios from 1 on.
local function scales(self, ratios, processors)
   expect.table(self, ratios, 'ratios', 1)
   expect.table(self, processors, 'processors', 1)
   if #ratios ~= #processors then
      expect.fail(self, 'a processor for each of %d ratios expected, got %d', #ratios, #processors)
   end
   for i, ratio in ipairs(ratios) do
      expect.whole(self, ratio, 'ratio ' .. i, 1)
      expect.module(self, processors[i], 'processor')
   end
end

-- nn.SpatialPyramid(ratios, processors, kW, kH, dW, dH, [xDimIn, yDimIn, xDimOut, yDimOut], [prescaled_input]): a table of what
-- each processor, with windows of kW x kH in steps of dW x dH, gives for the picture at its scale, brought to the size of the
-- first. focus(x, y, w, h) restricts it to w x h places around one; focus() ends that.
do
   local Pyramid, parent = torch.class('nn.SpatialPyramid', 'nn.Container')

   function Pyramid:__init(ratios, processors, kW, kH, dW, dH, xDimIn, yDimIn, xDimOut, yDimOut, prescaled)
      parent.__init(self)
      scales(self, ratios, processors)
      for name, value in pairs { kW = kW or false, kH = kH or false, dW = dW or false, dH = dH or false } do
         self[name] = expect.whole(self, value, name, 1)
      end
      self.ratios, self.processors, self.prescaled_input, self.focused = ratios, processors, prescaled or false, false
      self.yDim, self.xDim = yDimIn or 2, xDimIn or 3
      local wide, high = kW - dW, kH - dH
      local left, top = math.floor(wide / 2), math.floor(high / 2)
      self.focused_pipeline = nn.ConcatTable()
      self.unfocused_pipeline = self.prescaled_input and nn.ParallelTable() or nn.ConcatTable()
      for i, ratio in ipairs(ratios) do
         local function smaller()
            return nn.SpatialReSamplingEx { rwidth = 1 / ratio, rheight = 1 / ratio, xDim = xDimIn, yDim = yDimIn, mode = 'average' }
         end
         self.focused_pipeline:add(nn.Sequential():add(nn.SpatialPadding(0, 0, 0, 0, yDimIn, xDimIn)):add(smaller())
            :add(processors[i]))
         local whole = nn.Sequential()
         if not self.prescaled_input then
            whole:add(smaller()):add(nn.SpatialPadding(left, wide - left, top, high - top, yDimIn, xDimIn))
         end
         self.unfocused_pipeline:add(whole:add(processors[i])
            :add(nn.SpatialReSamplingEx { rwidth = ratio, rheight = ratio, xDim = xDimOut, yDim = yDimOut, mode = 'simple' }))
      end
      self.modules = { self.focused_pipeline, self.unfocused_pipeline }
   end

   function Pyramid:focus(x, y, w, h)
      self.focused = x ~= nil and y ~= nil
      if not self.focused then return end
      self.x, self.y = expect.number(self, x, 'x'), expect.number(self, y, 'y')
      self.winWidth, self.winHeight = {}, {}
      for i, ratio in ipairs(self.ratios) do
         self.winWidth[i] = ratio * ((expect.count(self, w or 1, 'w') - 1) * self.dW + self.kW)
         self.winHeight[i] = ratio * ((expect.count(self, h or 1, 'h') - 1) * self.dH + self.kH)
      end
   end
   -- Lets the paddings cut the windows out of a picture of this size.
   function Pyramid:configureFocus(width, height)
      if not self.focused then expect.fail(self, 'configureFocus: focus(x, y) comes first') end
      expect.number(self, width, 'the width')
      expect.number(self, height, 'the height')
      for i = 1, #self.ratios do
         local padding, w, h = self.focused_pipeline.modules[i].modules[1], self.winWidth[i], self.winHeight[i]
         padding.pad_l, padding.pad_r = math.ceil(w / 2) - self.x, self.x + math.floor(w / 2) - width
         padding.pad_t, padding.pad_b = math.ceil(h / 2) - self.y, self.y + math.floor(h / 2) - height
      end
   end
   function Pyramid:checkSize(input)
      expect.tensor(self, input, 'input', math.max(self.yDim, self.xDim), math.huge)
      for _, ratio in ipairs(self.ratios) do
         if input:size(self.yDim) % ratio ~= 0 or input:size(self.xDim) % ratio ~= 0 then
            expect.fail(self, 'a height and width in multiples of %d expected as input, got %s', ratio, expect.brief(input))
         end
      end
   end

   local function pipeline(self) return self.focused and self.focused_pipeline or self.unfocused_pipeline end
   function Pyramid:updateOutput(input)
      if self.prescaled_input then
         expect.table(self, input, 'input', #self.ratios)
         if self.focused then expect.fail(self, 'pictures that are scaled already cannot be focused on') end
      else
         self:checkSize(input)
         if self.focused then self:configureFocus(input:size(self.xDim), input:size(self.yDim)) end
      end
      self.output = self:rethrowErrors(pipeline(self), self.focused and 1 or 2, 'updateOutput', input)
      return self.output
   end
   function Pyramid:updateGradInput(input, gradOutput)
      self.gradInput = pipeline(self):updateGradInput(input, gradOutput)
      return self.gradInput
   end
   for _, name in ipairs { 'accGradParameters', 'accUpdateGradParameters', 'updateParameters', 'parameters' } do
      Pyramid[name] = function(self, ...) return pipeline(self)[name](pipeline(self), ...) end
   end
   function Pyramid:__tostring__()
      local text = tostring(pipeline(self)):gsub('\n', '\n    |    ')
      return string.format('%s (%s)\n%s', torch.type(self), self.focused and 'focused' or 'unfocused', text)
   end
end

-- nn.SpatialFovea{nInputPlane, ratios, processors, preProcessors, fov, sub, bilinear}: the picture at each scale goes through a
-- preprocessor, a padding and a processor with a field of view of `fov` places and steps of `sub`; the results are brought to
-- one size and joined as planes. focus(x, y, fov) looks at one place alone, focus() at all.
do
   local Fovea, parent = torch.class('nn.SpatialFovea', 'nn.Container')

   function Fovea:__init(...)
      parent.__init(self)
      local given = { ... }
      -- a number or a boolean, as programs have it
      local named = #given == 1 and type(given[1]) == 'table'
      local bilinear
      if named then bilinear = given[1].bilinear else bilinear = given[7] end
      options(self, 'SpatialFovea', given, {
         { 'nInputPlane', 'number', nil, true }, { 'ratios', 'table', nil, true }, { 'processors', 'table', nil, true },
         { 'preProcessors', 'table', {} }, { 'fov', 'number', 1 }, { 'sub', 'number', 1 },
      })
      self.bilinear = bilinear or false
      scales(self, self.ratios, self.processors)
      self.padding, self.modules, self.focused = self.fov - self.sub, self.processors, false
      self.downsamplers, self.padders, self.upsamplers = {}, {}, {}
      local side = math.floor(self.padding / 2)
      for i, r in ipairs(self.ratios) do
         self.downsamplers[i] = self.bilinear and nn.SpatialReSampling(1 / r, 1 / r) or nn.SpatialDownSampling(r, r)
         self.upsamplers[i] = self.bilinear and nn.SpatialReSampling(r, r) or nn.SpatialUpSampling(r, r)
         self.padders[i] = side == 0 and nn.Identity() or nn.SpatialPadding(side, side, side, side)
      end
      self.narrowed, self.processed, self.upsampled, self.gradProcessed = {}, {}, {}, {}
      self:reset()
   end

   function Fovea:focus(x, y, fov)
      self.x, self.y, self.fov = x, y, fov or self.fov
      self.focused = x ~= nil and y ~= nil
   end
   function Fovea:reset(deviation)
      for _, processor in ipairs(self.processors) do processor:reset(deviation) end
   end

   -- What of a picture at scale `i` is seen.
   local function seen(self, i, padded)
      if not self.focused then return padded end
      local fov, ratio, sub = self.fov, self.ratios[i], self.sub
      local x = math.floor(math.floor((self.x - 1) / ratio) / sub) * sub + 1
      local y = math.floor(math.floor((self.y - 1) / ratio) / sub) * sub + 1
      if x < 1 or y < 1 or x + fov - 1 > padded:size(3) or y + fov - 1 > padded:size(2) then
         expect.fail(self, 'a place in the picture to focus on expected, got x = %g and y = %g; at ratio %d that is outside of %dx%d',
            self.x, self.y, ratio, padded:size(2), padded:size(3))
      end
      return padded:narrow(3, x, fov):narrow(2, y, fov)
   end
   local function stages(self, i)
      return self.downsamplers[i], self.preProcessors[i] or nn.Identity(), self.padders[i]
   end

   function Fovea:updateOutput(input)
      expect.tensor(self, input, 'input', 3)
      if input:size(1) ~= self.nInputPlane then
         expect.fail(self, 'an input of %d planes expected, got %s', self.nInputPlane, expect.brief(input))
      end
      self.scaled, self.prepared, self.padded = {}, {}, {}
      for i, processor in ipairs(self.processors) do
         local down, prepare, pad = stages(self, i)
         self.scaled[i] = down:updateOutput(input)
         self.prepared[i] = prepare:updateOutput(self.scaled[i])
         self.padded[i] = pad:updateOutput(self.prepared[i])
         self.narrowed[i] = seen(self, i, self.padded[i])
         self.processed[i] = self:rethrowErrors(processor, i, 'updateOutput', self.narrowed[i])
         self.upsampled[i] = self.focused and self.processed[i] or self.upsamplers[i]:updateOutput(self.processed[i])
      end
      self.output:cat(self.upsampled, 1)
      return self.output
   end

   function Fovea:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 3)
      expect.gradOutput(self, gradOutput, self.output)
      local sum, first = self.gradInput:resizeAs(input):zero(), 1
      for i, processor in ipairs(self.processors) do
         local n = self.processed[i]:size(1)
         local g = gradOutput:narrow(1, first, n)
         first = first + n
         if not self.focused then g = self.upsamplers[i]:updateGradInput(self.processed[i], g) end
         self.gradProcessed[i] = g
         g = self:rethrowErrors(processor, i, 'updateGradInput', self.narrowed[i], g)
         if self.focused then
            local whole = self.padded[i].new():resizeAs(self.padded[i]):zero()
            seen(self, i, whole):copy(g)
            g = whole
         end
         local down, prepare, pad = stages(self, i)
         g = pad:updateGradInput(self.prepared[i], g)
         g = prepare:updateGradInput(self.scaled[i], g)
         sum:add(down:updateGradInput(input, g))
      end
      return sum
   end

   for _, name in ipairs { 'accGradParameters', 'accUpdateGradParameters' } do
      Fovea[name] = function(self, _, _, by)
         for i, processor in ipairs(self.processors) do processor[name](processor, self.narrowed[i], self.gradProcessed[i], by) end
      end
   end
end
