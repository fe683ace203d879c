-- The package inn: those of its classes that nn has under another name.
require 'cutorch'
require 'nn'
local expect = require 'nn.expect'
inn = { utils = {} }
local inn = inn

for name, parent in pairs { SpatialMaxPooling = 'SpatialMaxPooling', SpatialAveragePooling = 'SpatialAveragePooling',
                            SpatialCrossResponseNormalization = 'SpatialCrossMapLRN' } do
   torch.class('inn.' .. name, 'nn.' .. parent)
end
-- inn's poolings count windows that hang over the end
for _, name in ipairs { 'SpatialMaxPooling', 'SpatialAveragePooling' } do
   local class, parent = torch.getmetatable('inn.' .. name), torch.getmetatable('nn.' .. name)
   function class:__init(...)
      parent.__init(self, ...)
      self:ceil()
   end
end

do
   -- Subtracts a mean, by channel or by pixel.
   local class, parent = torch.class('inn.MeanSubtraction', 'nn.Module')
   function class:__init(mean)
      parent.__init(self)
      self.mean = expect.anyTensor(self, mean, 'the mean'):clone()
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      local mean = self.mean
      if mean:dim() == 1 then mean = mean:view(-1, 1, 1) end
      if input:dim() == 4 then mean = mean:view(1, mean:size(1), mean:size(2), mean:size(3)) end
      self.output:resizeAs(input):copy(input):add(-1, mean:expandAs(input))
      return self.output
   end
   function class:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput
      return gradOutput
   end
end

do
   -- a * input + b for each channel, with constants.
   local class, parent = torch.class('inn.ConstAffine', 'nn.Module')
   function class:__init(a, b)
      parent.__init(self)
      self.a, self.b = expect.anyTensor(self, a, 'the factor'):clone(), expect.anyTensor(self, b, 'the summand'):clone()
   end
   local function spread(values, like)
      local sizes = {}
      for d = 1, like:dim() do sizes[d] = 1 end
      sizes[like:dim() >= 4 and 2 or like:dim() == 3 and 1 or like:dim()] = values:nElement()
      return values:view(torch.LongStorage(sizes)):expandAs(like)
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input')
      self.output:resizeAs(input):copy(input):cmul(spread(self.a, input)):add(spread(self.b, input))
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      expect.tensor(self, gradOutput, 'gradOutput')
      self.gradInput:resizeAs(gradOutput):copy(gradOutput):cmul(spread(self.a, input))
      return self.gradInput
   end
end

do
   -- The largest value in each cell of a grid over regions of pictures (Girshick 2015): input { pictures, regions }, where
   -- a region is { picture, x1, y1, x2, y2 } (from 1), scaled by spatial_scale.
   local class, parent = torch.class('inn.ROIPooling', 'nn.Module')
   function class:__init(W, H, spatial_scale)
      parent.__init(self)
      self.W, self.H = expect.whole(self, W, 'the width', 1), expect.whole(self, H, 'the height', 1)
      self.spatial_scale = spatial_scale or 1
      self.gradInput = { torch.Tensor(), torch.Tensor() }
   end
   function class:setSpatialScale(scale)
      self.spatial_scale = expect.number(self, scale, 'the scale')
      return self
   end
   -- Calls f(region, x, y, first column, columns, first row, rows, picture) for each cell that has pixels.
   local function cells(self, data, rois, f)
      local h, w = data:size(3), data:size(4)
      local function edge(v) return math.floor((v - 1) * self.spatial_scale + 0.5) end
      for i = 1, rois:size(1) do
         local picture = rois[i][1]
         if picture < 1 or picture > data:size(1) then
            expect.fail(self, 'region %d is of picture %s, and there are %d', i, tostring(picture), data:size(1))
         end
         local x1, y1, x2, y2 = edge(rois[i][2]), edge(rois[i][3]), edge(rois[i][4]), edge(rois[i][5])
         local width, height = math.max(x2 - x1 + 1, 1) / self.W, math.max(y2 - y1 + 1, 1) / self.H
         local function inside(v, n) return math.min(math.max(v, 0), n) end
         for y = 1, self.H do
            local top, bottom = inside(math.floor((y - 1) * height) + y1, h), inside(math.ceil(y * height) + y1, h)
            for x = 1, self.W do
               local left, right = inside(math.floor((x - 1) * width) + x1, w), inside(math.ceil(x * width) + x1, w)
               if bottom > top and right > left then
                  f(i, x, y, left + 1, right - left, top + 1, bottom - top, picture)
               end
            end
         end
      end
   end
   local function inputs(self, input)
      local data, rois = expect.tensors(self, input, 2)
      expect.tensor(self, data, 'input[1]', 4)
      expect.anyTensor(self, rois, 'input[2]', 2)
      if rois:size(2) ~= 5 then expect.fail(self, 'regions of 5 numbers expected, got %s', expect.brief(rois)) end
      return data, rois
   end
   function class:updateOutput(input)
      local data, rois = inputs(self, input)
      local c = data:size(2)
      self.output:resize(rois:size(1), c, self.H, self.W):zero()
      self.indices = torch.getconstructortable(torch._beside(data, 'Long'))(self.output:size()):zero()
      local wide = data:size(4)
      cells(self, data, rois, function(i, x, y, left, columns, top, rows, picture)
         local window = data[picture]:narrow(2, top, rows):narrow(3, left, columns):contiguous():view(c, -1)
         local best, at = window:max(2)
         self.output[i]:select(3, x):select(2, y):copy(best)
         for k = 1, c do
            local place = at[k][1] - 1
            self.indices[i][k][y][x] = (top + math.floor(place / columns) - 1) * wide + left + place % columns
         end
      end)
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      local data, rois = inputs(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      local c = data:size(2)
      self.gradInput[1] = self.gradInput[1]:typeAs(data):resizeAs(data):zero()
      self.gradInput[2] = self.gradInput[2]:typeAs(rois):resizeAs(rois):zero()
      cells(self, data, rois, function(i, x, y, _, _, _, _, picture)
         for k = 1, c do
            local flat, at = self.gradInput[1][picture][k]:view(-1), self.indices[i][k][y][x]
            flat[at] = flat[at] + gradOutput[i][k][y][x]
         end
      end)
      return self.gradInput
   end
end

-- What dropout does in evaluation takes its place.
function inn.utils.testModel(net) return net:evaluate() end
require 'rekindle.takes'(inn.utils, 'inn.utils.', { testModel = 'net:module' })

require('rekindle.absent').tell('inn', inn, 'class')

return inn
