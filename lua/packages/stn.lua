-- Package stn: spatial transformers on images of batch x height x width x planes. What they are made from is elementwise, so it is Lua.
require 'nn'
local expect = require 'nn.expect'

-- a global, as its tests expect
rawset(_G, 'stn', {})

-- a tensor with a batch of one, where there is none
local function batched(t, dims)
   if t:dim() == dims then return t end
   local sizes = t:size():totable()
   table.insert(sizes, 1, 1)
   return t:view(unpack(sizes))
end

-- ---- grids ----

-- nn.AffineGridGeneratorBHWD(height, width): of matrices batch x 2 x 3, the places (y, x) that each place of a picture comes from;
-- -1 and 1 are its edges.
local Grid, parent = torch.class('nn.AffineGridGeneratorBHWD', 'nn.Module')

function Grid:__init(height, width)
   parent.__init(self)
   for i, name in ipairs { 'height', 'width' } do
      local n = i == 1 and height or width
      expect.whole(self, n, name, 2)
      self[name] = n
   end
   self.baseGrid = torch.Tensor(self.height, self.width, 3)
   local down, right = torch.linspace(-1, 1, self.height), torch.linspace(-1, 1, self.width)
   self.baseGrid:select(3, 1):copy(down:view(-1, 1):expand(self.height, self.width))
   self.baseGrid:select(3, 2):copy(right:view(1, -1):expand(self.height, self.width))
   self.baseGrid:select(3, 3):fill(1)
   self.batchGrid = self.baseGrid:clone():view(1, self.height, self.width, 3)
end

local function matrices(self, input)
   expect.tensor(self, input, 'input', 2, 3)
   local all = batched(input, 3)
   if all:size(2) ~= 2 or all:size(3) ~= 3 then
      expect.fail(self, 'matrices of 2 x 3 expected, got a tensor of size %s', table.concat(input:size():totable(), 'x'))
   end
   return all
end

-- the places of the picture itself, once for each of a batch, as rows
local function places(self, n)
   if self.batchGrid:size(1) ~= n then
      self.batchGrid = self.baseGrid:view(1, self.height, self.width, 3):expand(n, self.height, self.width, 3):clone()
   end
   return self.batchGrid:view(n, self.height * self.width, 3)
end

function Grid:updateOutput(input)
   local all = matrices(self, input)
   local n = all:size(1)
   self.output = self.output.new(n, self.height * self.width, 2)
   torch.bmm(self.output, places(self, n), all:transpose(2, 3))
   self.output = self.output:view(n, self.height, self.width, 2)
   if input:dim() == 2 then self.output = self.output:select(1, 1) end
   return self.output
end

function Grid:updateGradInput(input, gradOutput)
   local all = matrices(self, input)
   local n = all:size(1)
   local sizes = input:dim() == 2 and { self.height, self.width, 2 } or { n, self.height, self.width, 2 }
   expect.gradOutput(self, gradOutput, torch.LongStorage(sizes))
   local rows = gradOutput:contiguous():view(n, self.height * self.width, 2)
   self.gradInput = torch.bmm(rows:transpose(2, 3), places(self, n))
   if input:dim() == 2 then self.gradInput = self.gradInput:select(1, 1) end
   return self.gradInput
end

-- ---- matrices ----

-- nn.AffineTransformMatrixGenerator(rotation, scale, translation): the matrices 2 x 3 that an angle, a factor and a way along x and y
-- make, of those that are asked for; without any, of six numbers.
local Matrix
Matrix, parent = torch.class('nn.AffineTransformMatrixGenerator', 'nn.Module')

function Matrix:__init(useRotation, useScale, useTranslation)
   parent.__init(self)
   self.useRotation, self.useScale, self.useTranslation = useRotation, useScale, useTranslation
   self.fullMode = not (useRotation or useScale or useTranslation)
end

-- The columns of the numbers: angle, factor, ways. Those that are not asked for are 0, 1, 0 and 0.
local function columns(self, input)
   expect.tensor(self, input, 'input', 1, 2)
   local all = batched(input, 2)
   local n = self.fullMode and 6 or (self.useRotation and 1 or 0) + (self.useScale and 1 or 0) + (self.useTranslation and 2 or 0)
   if all:size(2) ~= n then expect.fail(self, '%d numbers expected for each matrix, got %d', n, all:size(2)) end
   local at, places = 0, {}
   local function column(name, used, missing)
      at = used and at + 1 or at
      places[name] = used and at
      return used and all:select(2, at) or all.new(all:size(1)):fill(missing)
   end
   if self.fullMode then return all, places end
   return all, places, column('angle', self.useRotation, 0), column('factor', self.useScale, 1),
      column('x', self.useTranslation, 0), column('y', self.useTranslation, 0)
end

function Matrix:updateOutput(input)
   local all, _, angle, factor, x, y = columns(self, input)
   if self.fullMode then
      self.output = all:contiguous():view(all:size(1), 2, 3)
   else
      -- a turn by the angle, then the factor, then the way, which is turned and scaled too
      local cos, sin = torch.cos(angle):cmul(factor), torch.sin(angle):cmul(factor)
      self.output = self.output.new(all:size(1), 2, 3)
      self.output:select(3, 1):select(2, 1):copy(cos)
      self.output:select(3, 2):select(2, 1):copy(sin):neg()
      self.output:select(3, 1):select(2, 2):copy(sin)
      self.output:select(3, 2):select(2, 2):copy(cos)
      self.output:select(3, 3):select(2, 1):cmul(cos, x):addcmul(-1, sin, y)
      self.output:select(3, 3):select(2, 2):cmul(sin, x):addcmul(1, cos, y)
   end
   if input:dim() == 1 then self.output = self.output:select(1, 1) end
   return self.output
end

function Matrix:updateGradInput(input, gradOutput)
   local all, places, angle, factor, x, y = columns(self, input)
   local n = all:size(1)
   expect.gradOutput(self, gradOutput, torch.LongStorage(input:dim() == 1 and { 2, 3 } or { n, 2, 3 }))
   local g = batched(gradOutput, 3)
   if self.fullMode then
      self.gradInput = g:contiguous():view(n, 6)
   else
      local cos, sin = torch.cos(angle), torch.sin(angle)
      local function of(row, column) return g:select(2, row):select(2, column) end
      -- of factor * cos and of factor * sin
      local byCos = torch.add(of(1, 1), of(2, 2)):addcmul(1, of(1, 3), x):addcmul(1, of(2, 3), y)
      local bySin = torch.add(of(2, 1), -1, of(1, 2)):addcmul(1, of(2, 3), x):addcmul(-1, of(1, 3), y)
      self.gradInput = self.gradInput.new(n, all:size(2))
      local function column(name) return self.gradInput:select(2, places[name]) end
      if places.angle then column('angle'):cmul(bySin, cos):addcmul(-1, byCos, sin):cmul(factor) end
      if places.factor then column('factor'):cmul(byCos, cos):addcmul(1, bySin, sin) end
      if places.x then
         column('x'):cmul(of(1, 3), cos):addcmul(1, of(2, 3), sin):cmul(factor)
         column('y'):cmul(of(2, 3), cos):addcmul(-1, of(1, 3), sin):cmul(factor)
      end
   end
   if input:dim() == 1 then self.gradInput = self.gradInput:select(1, 1) end
   return self.gradInput
end

-- ---- sampling ----

-- Calls f(rows, vertical, horizontal, below, beside) for each of the four pixels around the places of grids: the pixels' rows, from
-- 1 on, their weights in both directions, which are 0 outside of the images, and how these change along them, by 1 or by -1.
local function each_corner(images, grids, f)
   local n, h, w = images:size(1), images:size(2), images:size(3)
   local count = grids:size(2) * grids:size(3)
   local points = grids:contiguous():view(n, count, 2)
   local function along(at, size)
      local place = torch.add(points:select(3, at), 1):mul((size - 1) / 2)
      local first = torch.floor(place)
      return first, place:add(-1, first)
   end
   local top, down = along(1, h)
   local left, right = along(2, w)
   local whole = images:type():find('Cuda', 1, true) and 'torch.CudaLongTensor' or 'torch.LongTensor'
   local starts = torch.range(0, n - 1):mul(h * w):add(1):type(whole):view(n, 1):expand(n, count)
   for below = 0, 1 do
      for beside = 0, 1 do
         local y, x = torch.add(top, below), torch.add(left, beside)
         -- what is nan is outside too
         local outside = torch.ge(y, 0):cmul(torch.le(y, h - 1)):cmul(torch.ge(x, 0)):cmul(torch.le(x, w - 1)):eq(0)
         local rows = y:maskedFill(outside, 0) and y:type(whole):mul(w):add(x:maskedFill(outside, 0) and x:type(whole)):add(starts)
         local vertical = below == 1 and down:clone() or torch.mul(down, -1):add(1)
         local horizontal = beside == 1 and right:clone() or torch.mul(right, -1):add(1)
         vertical:maskedFill(outside, 0)
         horizontal:maskedFill(outside, 0)
         f(rows:view(-1), vertical:view(-1, 1), horizontal:view(-1, 1), below == 1 and 1 or -1, beside == 1 and 1 or -1)
      end
   end
end

local function sample(_, images, grids, output)
   local planes = images:size(4)
   output:resize(grids:size(1), grids:size(2), grids:size(3), planes):zero()
   if output:nElement() == 0 then return end
   local pixels, out = images:contiguous():view(-1, planes), output:view(-1, planes)
   each_corner(images, grids, function(rows, vertical, horizontal)
      local weight = torch.cmul(vertical, horizontal)
      out:addcmul(1, pixels:index(1, rows), weight:expandAs(out))
   end)
end

-- Adds up the gradient of images, and writes that of grids.
local function sample_back(_, images, grids, gradImages, gradGrids, gradOutput)
   local h, w, planes = images:size(2), images:size(3), images:size(4)
   gradGrids:zero()
   if gradOutput:nElement() == 0 then return end
   local pixels, g = images:contiguous():view(-1, planes), gradOutput:contiguous():view(-1, planes)
   -- an image that was expanded to a batch gets the sum over it
   local sums = gradImages:isContiguous() and gradImages or gradImages.new(gradImages:size()):zero()
   local byPlace = torch.zeros(g:size(1), 2):type(grids:type())
   each_corner(images, grids, function(rows, vertical, horizontal, below, beside)
      local weight = torch.cmul(vertical, horizontal)
      sums:view(-1, planes):indexAdd(1, rows, torch.cmul(g, weight:expandAs(g)))
      local dot = torch.cmul(pixels:index(1, rows), g):sum(2)
      byPlace:narrow(2, 1, 1):addcmul(below * (h - 1) / 2, dot, horizontal)
      byPlace:narrow(2, 2, 1):addcmul(beside * (w - 1) / 2, dot, vertical)
   end)
   if sums ~= gradImages then
      for i = 1, images:size(1) do gradImages[i]:add(sums[i]) end
   end
   gradGrids:copy(byPlace:viewAs(gradGrids))
end

-- as programs call them: images.nn.BilinearSamplerBHWD_updateOutput(module, images, grids, output)
for _, name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor', 'torch.CudaTensor', 'torch.CudaDoubleTensor' } do
   local class = torch.getmetatable(name)
   if class then
      class.nn = class.nn or {}
      rawset(class.nn, 'BilinearSamplerBHWD_updateOutput', sample)
      rawset(class.nn, 'BilinearSamplerBHWD_updateGradInput', sample_back)
   end
end

-- nn.BilinearSamplerBHWD(): what lies at the places of grids, interpolated; 0 outside of the images.
local Sampler
Sampler, parent = torch.class('nn.BilinearSamplerBHWD', 'nn.Module')

function Sampler:__init()
   parent.__init(self)
   self.gradInput = {}
end

local function pair(self, input)
   local images, grids = expect.tensors(self, input, 2, 3, 4)
   if images:dim() ~= grids:dim() then
      expect.fail(self, 'images of %d dimensions and grids of %d: both in a batch, or neither', images:dim(), grids:dim())
   end
   images, grids = batched(images, 4), batched(grids, 4)
   if images:size(1) ~= grids:size(1) then
      expect.fail(self, '%d images, but grids for %d', images:size(1), grids:size(1))
   end
   if grids:size(4) ~= 2 then expect.fail(self, 'grids of 2 coordinates expected, got %d', grids:size(4)) end
   return images, grids
end

function Sampler:updateOutput(input)
   local images, grids = pair(self, input)
   self.output = self.output.new()
   sample(self, images, grids, self.output)
   if input[1]:dim() == 3 then self.output = self.output:select(1, 1) end
   return self.output
end

function Sampler:updateGradInput(input, gradOutput)
   local images, grids = pair(self, input)
   local sizes = input[2]:size():totable()
   sizes[#sizes] = images:size(4)
   expect.gradOutput(self, gradOutput, torch.LongStorage(sizes))
   local gradImages, gradGrids = images.new():resizeAs(images):zero(), grids.new():resizeAs(grids)
   sample_back(self, images, grids, gradImages, gradGrids, batched(gradOutput, 4))
   if input[1]:dim() == 3 then gradImages, gradGrids = gradImages:select(1, 1), gradGrids:select(1, 1) end
   self.gradInput = { gradImages, gradGrids }
   return self.gradInput
end

return stn
