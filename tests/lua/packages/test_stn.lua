-- Package stn: spatial transformers.
require 'stn'
torch.manualSeed(3)
local function refused(word, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(word, 1, true), tostring(why))
end

-- a chain of all three leaves a picture as it is where nothing is asked for, and shows its part where it is
local picture = torch.rand(2, 5, 7, 3)
local function transformed(matrix, height, width)
   local places = nn.AffineGridGeneratorBHWD(height, width):forward(matrix)
   return nn.BilinearSamplerBHWD():forward { picture, places }
end
local same = torch.Tensor { { 1, 0, 0 }, { 0, 1, 0 } }
assert((transformed(same:view(1, 2, 3):repeatTensor(2, 1, 1), 5, 7) - picture):abs():max() < 1e-12)
local half = nn.AffineTransformMatrixGenerator(false, true, false):forward(torch.Tensor { { 0.5 }, { 0.5 } })
-- the middle rows of a picture of five are those of a half
assert((transformed(half, 3, 4):select(3, 1) - (picture:narrow(2, 2, 3):select(3, 2) + picture:narrow(2, 2, 3):select(3, 3)) / 2):abs():max() < 1e-12)
-- what lies outside is 0, nan too
local far = torch.Tensor(2, 1, 1, 2):fill(3)
assert(nn.BilinearSamplerBHWD():forward({ picture, far }):abs():max() == 0)
assert(nn.BilinearSamplerBHWD():forward({ picture, far:fill(0 / 0) }):abs():max() == 0)
-- between a pixel and what is outside
local edge = torch.Tensor { -1 - 1 / 4, -1 }:view(1, 1, 1, 2)
local half_out = nn.BilinearSamplerBHWD():forward { picture:narrow(1, 1, 1), edge }
assert((half_out:view(3) - picture[1][1][1] / 2):abs():max() < 1e-12)

-- a turn, a factor and a way, one after the other
local made = nn.AffineTransformMatrixGenerator(true, true, true):forward(torch.Tensor { math.pi / 2, 2, 3, 4 })
assert((made - torch.Tensor { { 0, -2, -8 }, { 2, 0, 6 } }):abs():max() < 1e-12)
assert(nn.AffineTransformMatrixGenerator():forward(torch.range(1, 6)):equal(torch.range(1, 6):view(2, 3)))

-- gradients, for one and for a batch
local function right(module, input) assert(nn.Jacobian.testJacobian(module, input, -0.9, 0.9) < 1e-5) end
right(nn.AffineGridGeneratorBHWD(3, 4), torch.rand(2, 3))
right(nn.AffineGridGeneratorBHWD(3, 4), torch.rand(3, 2, 3))
for bits = 0, 7 do
   local rotation, scale, way = bits % 2 == 1, math.floor(bits / 2) % 2 == 1, bits >= 4
   local n = bits == 0 and 6 or (rotation and 1 or 0) + (scale and 1 or 0) + (way and 2 or 0)
   right(nn.AffineTransformMatrixGenerator(rotation, scale, way), torch.rand(2, n))
   right(nn.AffineTransformMatrixGenerator(rotation, scale, way), torch.rand(n))
end
local images, grids = torch.rand(2, 4, 5, 3), torch.rand(2, 3, 2, 2):mul(1.6):add(-0.8)
for part = 1, 2 do
   local sampler = nn.BilinearSamplerBHWD()
   local one = nn.Module()
   local function both(x) return part == 1 and { x, grids } or { images, x } end
   function one:updateOutput(x) return sampler:forward(both(x)) end
   function one:updateGradInput(x, g)
      self.gradInput = sampler:updateGradInput(both(x), g)[part]
      return self.gradInput
   end
   local x = part == 1 and images or grids
   local g = torch.rand(2, 3, 2, 3)
   local function loss() return torch.cmul(one:updateOutput(x), g):sum() end
   local gradient = one:updateGradInput(x, g):clone()
   x:apply(function(v) return v end)
   local flat = x:view(-1)
   for i = 1, flat:size(1) do
      local kept = flat[i]
      flat[i] = kept + 1e-6
      local up = loss()
      flat[i] = kept - 1e-6
      local down = loss()
      flat[i] = kept
      assert(math.abs((up - down) / 2e-6 - gradient:view(-1)[i]) < 1e-4)
   end
end

-- types, files, and what programs call below the modules
local sampler = nn.BilinearSamplerBHWD():float()
local output = sampler:forward { images:float(), grids:float() }
assert(output:type() == 'torch.FloatTensor' and torch.deserialize(torch.serialize(sampler)).output:equal(output))
local out = torch.Tensor()
images.nn.BilinearSamplerBHWD_updateOutput(sampler, images, grids, out)
assert((out - output:double()):abs():max() < 1e-5)
assert(nn.BilinearSamplerBHWD():forward({ images[1], grids[1] }):equal(out[1]))

-- one image for all grids
local gradOne, gradAll, gradGrids = torch.zeros(1, 4, 5, 3), torch.zeros(2, 4, 5, 3), torch.zeros(2, 3, 2, 2)
local one, ones = images:narrow(1, 1, 1), torch.ones(2, 3, 2, 3)
local twice = one:expand(2, 4, 5, 3)
images.nn.BilinearSamplerBHWD_updateGradInput(sampler, twice, grids, gradOne:expandAs(twice), gradGrids, ones)
images.nn.BilinearSamplerBHWD_updateGradInput(sampler, twice:clone(), grids, gradAll, gradGrids, ones)
assert((gradAll:sum(1) - gradOne):abs():max() < 1e-12 and gradOne:sum() > 1)

refused('nn.AffineGridGeneratorBHWD: height', nn.AffineGridGeneratorBHWD, 1, 4)
refused('nn.AffineGridGeneratorBHWD: matrices of 2 x 3 expected', function() nn.AffineGridGeneratorBHWD(2, 2):forward(torch.rand(3, 3)) end)
refused('nn.AffineTransformMatrixGenerator: 6 numbers expected', function() nn.AffineTransformMatrixGenerator():forward(torch.rand(5)) end)
refused('nn.BilinearSamplerBHWD: 2 images, but grids for 1', function() nn.BilinearSamplerBHWD():forward { images, grids:narrow(1, 1, 1) } end)
refused('nn.BilinearSamplerBHWD: grids of 2 coordinates', function() nn.BilinearSamplerBHWD():forward { images, images } end)
refused('nn.BilinearSamplerBHWD: a table of 2 tensors', function() nn.BilinearSamplerBHWD():forward(images) end)
refused('nn.BilinearSamplerBHWD', function() nn.BilinearSamplerBHWD():backward({ images, grids }, torch.rand(2, 2)) end)
print('all as it should be')
