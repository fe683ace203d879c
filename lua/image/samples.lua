-- Two pictures to try things on, made here, and a check of the package.
local image = image
local samples = {}

-- a matrix that grows along one dimension from -1 to 1
local function ramp(high, wide, across)
   local line = torch.linspace(-1, 1, across and wide or high)
   return (across and line:view(1, wide) or line:view(high, 1)):expand(high, wide):clone()
end

-- to every fifth level of bytes, as a file would hold them
local function levelled(x) return x:clamp(0, 1):mul(51):floor():div(51) end

-- rings around a point, whose waves get shorter outwards
local function rings(x, y, cx, cy, rate)
   return (torch.add(x, -cx):pow(2) + torch.add(y, -cy):pow(2)):mul(rate):cos()
end

-- 3 x 512 x 512: slow gradients, rings, and two discs with sharp edges
function samples.lena()
   local n = 512
   local x, y = ramp(n, n, true), ramp(n, n, false)
   local out = torch.Tensor(3, n, n)
   out[1] = x * 0.25 + rings(x, y, -0.3, 0.2, 40) * 0.15 + 0.55
   out[2] = y * 0.25 + rings(x, y, 0.5, -0.4, 25) * 0.15 + 0.45
   out[3] = torch.cmul(x, y) * 0.3 + rings(x, y, 0, 0, 8) * 0.2 + 0.4
   for i, disc in ipairs { { -0.45, -0.35, 0.06, 0.35 }, { 0.4, 0.45, 0.1, -0.3 } } do
      local inside = (torch.add(x, -disc[1]):pow(2) + torch.add(y, -disc[2]):pow(2)):lt(disc[3]):typeAs(x)
      out[i]:add(disc[4], inside)
   end
   return levelled(out)
end

-- 257 x 271: grey stripes that get narrower, under a gradient
function samples.fabio()
   local high, wide = 257, 271
   local x, y = ramp(high, wide, true), ramp(high, wide, false)
   local stripes = torch.add(x, 1):pow(2):mul(20):add(y * 3):sin()
   return levelled(stripes * 0.25 + rings(x, y, 0.2, 0.1, 12) * 0.15 + y * 0.1 + 0.5)
end

-- Runs a few checks of the package (all, or those of the given names) with torch.Tester.
function samples.test(names)
   local tester, suite = torch.Tester(), torch.TestSuite()
   function suite.colours()
      local x = torch.rand(3, 8, 8):mul(0.9):add(0.05)
      for _, space in ipairs { 'yuv', 'hsl', 'hsv', 'lab' } do
         tester:assertlt((image[space .. '2rgb'](image['rgb2' .. space](x)) - x):abs():max(), 0.01, space)
      end
   end
   function suite.places()
      local x = torch.rand(3, 5, 7)
      tester:assertTensorEq(image.hflip(image.hflip(x)), x, 0, 'hflip')
      tester:assertTensorEq(image.vflip(x), image.flip(x, 2), 0, 'vflip')
      tester:assertTensorEq(image.scale(x, 7, 5), x, 0, 'scale')
      tester:assertTensorEq(image.warp(x, torch.zeros(2, 5, 7)), x, 1e-6, 'warp')
   end
   function suite.files()
      local x = torch.rand(3, 5, 7):mul(255):byte()
      tester:assertTensorEq(image.decompress(image.compressPNG(x), 3, 'byte'), x, 0, 'PNG')
   end
   tester:add(suite)
   return tester:run(names)
end

return samples
