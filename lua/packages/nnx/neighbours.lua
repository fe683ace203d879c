-- nnx: distances between the values of neighbouring places (planes x height x width).
local define = require 'nn.define'
local expect = require 'nn.expect'
local options = require 'nnx.options'

-- nn.SpatialGraph{dist, normalize, connex}: the distance of each place to its right neighbour and to the one below it, in two
-- planes; 0 at the edge. dist is euclid or cosine.
do
   local SpatialGraph, parent = torch.class('nn.SpatialGraph', 'nn.Module')
   local SMALL = 1e-12

   function SpatialGraph:__init(...)
      parent.__init(self)
      options(self, 'SpatialGraph', { ... },
         { { 'dist', 'string', 'euclid' }, { 'normalize', 'boolean', true }, { 'connex', 'number', 4 } })
      if self.connex ~= 4 then expect.fail(self, 'only the 4 nearest places can be neighbours, got connex %g', self.connex) end
      if self.dist ~= 'euclid' and self.dist ~= 'cosine' then
         expect.fail(self, "dist 'euclid' or 'cosine' expected, got '%s'", self.dist)
      end
      -- numbers, as files of nnx have them
      self.dist, self.normalize = self.dist == 'cosine' and 1 or 0, self.normalize and 1 or 0
   end

   -- Calls f(edges, values, their neighbours, ...) for both directions, with the same parts of other tensors.
   local function each(input, edges, f, ...)
      for i, d in ipairs { 3, 2 } do
         local n = input:size(d) - 1
         if n > 0 then
            local more = {}
            for k, t in ipairs { ... } do more[2 * k - 1], more[2 * k] = t:narrow(d, 1, n), t:narrow(d, 2, n) end
            f(edges:narrow(1, i, 1):narrow(d, 1, n), input:narrow(d, 1, n), input:narrow(d, 2, n), i, d, unpack(more))
         end
      end
   end
   local function normer(self, input) return self.normalize == 1 and 1 / math.sqrt(input:size(1)) or 1 end
   -- Products and norms of what is compared by its angle.
   local function angles(a, b)
      local dot = torch.cmul(a, b):sum(1)
      return dot, torch.cmul(a, a):sum(1), torch.cmul(b, b):sum(1)
   end

   function SpatialGraph:updateOutput(input)
      expect.tensor(self, input, 'input', 3)
      self.output:resize(2, input:size(2), input:size(3)):zero()
      local cosine = self.dist == 1
      each(cosine and input + SMALL or input, self.output, function(edges, a, b)
         if not cosine then
            local difference = a - b
            edges:copy(difference:cmul(difference):sum(1)):sqrt():mul(normer(self, input))
         else
            local dot, aa, bb = angles(a, b)
            if self.normalize == 1 then
               edges:copy(dot:cdiv(aa:cmul(bb):sqrt())):mul(-1):add(1)
            else
               edges:copy(dot):mul(-1):add(input:size(1))
            end
         end
      end)
      return self.output
   end

   function SpatialGraph:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 3)
      expect.gradOutput(self, gradOutput, torch.LongStorage { 2, input:size(2), input:size(3) })
      local result = self.gradInput:resizeAs(input):zero()
      local cosine = self.dist == 1
      each(cosine and input + SMALL or input, gradOutput, function(g, a, b, _, _, ga, gb)
         g = g:expandAs(a)
         if not cosine then
            local difference = a - b
            local length = torch.cmul(difference, difference):sum(1):sqrt()
            -- equal values have no direction
            length:maskedFill(length:eq(0), 1)
            difference:cdiv(length:expandAs(a)):cmul(g):mul(normer(self, input))
            ga:add(difference)
            gb:add(-1, difference)
         elseif self.normalize == 1 then
            local dot, aa, bb = angles(a, b)
            local both = torch.cmul(aa, bb):sqrt()
            -- of -dot / |a| |b|, by a and by b
            local function by(own, other, square)
               local along = torch.cdiv(dot, torch.cmul(both, square)):expandAs(a)
               return torch.cmul(own, along):add(-1, torch.cdiv(other, both:expandAs(a))):cmul(g)
            end
            ga:add(by(a, b, aa))
            gb:add(by(b, a, bb))
         else
            ga:addcmul(-1, b, g)
            gb:addcmul(-1, a, g)
         end
      end, result)
      return result
   end
end

-- nn.SpatialMatching(maxh, maxw, full_output): the squared distances of each place of one input to those of a window of the
-- other (height x width x maxh x maxw). The window begins at the place itself; with full_output it lies around it, and what is
-- outside of the input is 1e30 away.
do
   local SpatialMatching = define('SpatialMatching', {
      options = { { 'maxh', 11, 'number' }, { 'maxw', 11, 'number' }, { 'full_output', false, 'boolean' } },
      setup = function(self)
         expect.whole(self, self.maxh, 'maxh', 1)
         expect.whole(self, self.maxw, 'maxw', 1)
         self.gradInput1, self.gradInput2 = torch.Tensor(), torch.Tensor()
      end,
   })

   local function pair(self, input)
      local a, b = expect.tensors(self, input, 2, 3)
      local short = self.full_output and { 0, 0 } or { self.maxh - 1, self.maxw - 1 }
      if a:size(1) ~= b:size(1) or b:size(2) < a:size(2) + short[1] or b:size(3) < a:size(3) + short[2] then
         expect.fail(self, 'an input[2] of %dx%dx%d or larger expected for input[1] of %s, got %s', a:size(1),
            a:size(2) + short[1], a:size(3) + short[2], expect.brief(a), expect.brief(b))
      end
      return a, b
   end
   -- Where `n` places meet those that lie `by` further: the first of both, and how many.
   local function overlap(n, by, full)
      if not full then return 1, 1 + by, n end
      return 1 + math.max(0, -by), 1 + math.max(0, by), n - math.abs(by)
   end
   -- Calls f(dy, dx, part) for each place of the window: part(x, which) is what of input `which` takes part.
   local function each(self, a, f)
      local full, height, width = self.full_output, a:size(2), a:size(3)
      local up = full and math.ceil(self.maxh / 2) - 1 or 0
      local left = full and math.ceil(self.maxw / 2) - 1 or 0
      for dy = 1, self.maxh do
         local y1, y2, h = overlap(height, dy - 1 - up, full)
         for dx = 1, self.maxw do
            local x1, x2, w = overlap(width, dx - 1 - left, full)
            if h > 0 and w > 0 then
               f(dy, dx, function(t, which)
                  local d = t:dim() - 1
                  return t:narrow(d, which == 1 and y1 or y2, h):narrow(d + 1, which == 1 and x1 or x2, w)
               end)
            end
         end
      end
   end

   function SpatialMatching:updateOutput(input)
      local a, b = pair(self, input)
      local output = self.output:resize(a:size(2), a:size(3), self.maxh, self.maxw):fill(1e30)
      each(self, a, function(dy, dx, part)
         local difference = part(a, 1) - part(b, 2)
         part(output:select(4, dx):select(3, dy), 1):copy(difference:cmul(difference):sum(1))
      end)
      return output
   end
   function SpatialMatching:updateGradInput(input, gradOutput)
      local a, b = pair(self, input)
      expect.gradOutput(self, gradOutput, torch.LongStorage { a:size(2), a:size(3), self.maxh, self.maxw })
      self.gradInput1:resizeAs(a):zero()
      self.gradInput2:resizeAs(b):zero()
      each(self, a, function(dy, dx, part)
         local difference = part(a, 1) - part(b, 2)
         local g = part(gradOutput:select(4, dx):select(3, dy), 1)
         difference:cmul(g:contiguous():view(1, g:size(1), g:size(2)):expandAs(difference)):mul(2)
         part(self.gradInput1, 1):add(difference)
         part(self.gradInput2, 2):add(-1, difference)
      end)
      self.gradInput = { self.gradInput1, self.gradInput2 }
      return self.gradInput
   end
end

-- nn.SpatialRadialMatching(maxh): the squared distances of each place of one input to those below it in the other, the same
-- place first (height x width x maxh).
do
   local Radial, parent = define('SpatialRadialMatching', {
      parent = 'nn.SpatialMatching',
      options = { { 'maxh', nil, 'number' } },
      setup = function(self)
         expect.whole(self, self.maxh, 'maxh', 1)
         self.maxw = 1
      end,
   })
   function Radial:updateOutput(input)
      local output = parent.updateOutput(self, input)
      return output:resize(output:size(1), output:size(2), self.maxh)
   end
   function Radial:updateGradInput(input, gradOutput)
      local a = expect.tensors(self, input, 2, 3)
      expect.gradOutput(self, gradOutput, torch.LongStorage { a:size(2), a:size(3), self.maxh })
      return parent.updateGradInput(self, input, gradOutput:contiguous():view(a:size(2), a:size(3), self.maxh, 1))
   end
end
