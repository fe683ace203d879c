-- inn.ROIPooling: the largest values in the cells of regions of pictures.
local expect = require 'nn.expect'

-- The largest value in each cell of a grid over regions of pictures (Girshick 2015): input { pictures, regions }, where
-- a region is { picture, x1, y1, x2, y2 } (from 1), scaled by spatial_scale.
local class, parent = torch.class('inn.ROIPooling', 'nn.Module')
function class:__init(W, H, spatial_scale)
   parent.__init(self)
   self.W, self.H = expect.whole(self, W, 'the width', 1), expect.whole(self, H, 'the height', 1)
   self.spatial_scale = spatial_scale or 1
   self.gradInput = { torch.Tensor(), torch.Tensor() }
   self.v2 = true
end
function class:setSpatialScale(scale)
   self.spatial_scale = expect.number(self, scale, 'the scale')
   return self
end
-- Where the cells of a region begin and end, from 0, the second one exclusively: `v2`, which new modules have, leaves the
-- last row and column of a region out and rounds the borders between cells; without it cells overlap.
local function borders(self, from, to, cells, size)
   if self.v2 then to = to - 1 end
   local length = math.max(to - from + 1, 1) / cells
   local function inside(v) return math.min(math.max(v + from, 0), size) end
   return function(cell)
      if self.v2 then
         return inside(math.floor((cell - 1) * length + 0.5)), inside(math.floor(cell * length + 0.5))
      end
      return inside(math.floor((cell - 1) * length)), inside(math.ceil(cell * length))
   end
end
-- Calls f(region, x, y, first column, columns, first row, rows, picture) for each cell that has pixels.
local function cells(self, data, rois, f)
   local function edge(v)
      v = (v - 1) * self.spatial_scale
      return v < 0 and math.ceil(v - 0.5) or math.floor(v + 0.5)
   end
   for i = 1, rois:size(1) do
      local picture = rois[i][1]
      if not (picture >= 1 and picture < data:size(1) + 1) then
         expect.fail(self, 'region %d is of picture %s, and there are %d', i, tostring(picture), data:size(1))
      end
      local columns = borders(self, edge(rois[i][2]), edge(rois[i][4]), self.W, data:size(4))
      local rows = borders(self, edge(rois[i][3]), edge(rois[i][5]), self.H, data:size(3))
      for y = 1, self.H do
         local top, bottom = rows(y)
         for x = 1, self.W do
            local left, right = columns(x)
            if bottom > top and right > left then
               f(i, x, y, left + 1, right - left, top + 1, bottom - top, math.floor(picture))
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
