-- unsup: principal components, whitening, k-means. Data are samples along the first dimension.
require 'unsup.modules'

local function samples(name, x, least)
   if not torch.isTensor(x) or x:dim() < (least or 2) then
      error(string.format('unsup.%s: expected a tensor of samples (samples x values), got %s', name,
         torch.isTensor(x) and x:dim() .. ' dimensions' or 'a ' .. torch.type(x)), 3)
   end
   return x:contiguous():view(x:size(1), -1)
end

local function centered(x)
   local mean = x:mean(1)
   return x - mean:expandAs(x), mean
end

-- Eigenvalues, in increasing order, and eigenvectors, as columns, of the covariance.
function unsup.pcacov(x)
   local matrix = centered(samples('pcacov', x))
   return torch.symeig(torch.mm(matrix:t(), matrix):div(matrix:size(1) - 1), 'V')
end

-- The same from singular values, in decreasing order.
function unsup.pca(x)
   local matrix = centered(samples('pca', x)):div(math.sqrt(x:size(1) - 1))
   local vectors, values = torch.svd(matrix:t())
   return values:cmul(values), vectors
end

-- ---- whitening: P, its inverse ----

local makers = {
   -- rotated back (zero-phase components)
   zca = function(vectors, deviations)
      local function with(d) return torch.mm(torch.mm(vectors, torch.diag(d)), vectors:t()) end
      return with(torch.cinv(deviations)), with(deviations)
   end,
   pca = function(vectors, deviations)
      return torch.mm(vectors, torch.diag(torch.cinv(deviations))), torch.mm(torch.diag(deviations), vectors:t())
   end,
}

for name, make in pairs(makers) do
   local whiten_name, colour_name = name .. '_whiten', name .. '_colour'

   -- x whitened, with the means and matrices given or found; and these
   unsup[whiten_name] = function(x, means, P, invP, epsilon)
      local matrix = samples(whiten_name, x)
      if not means or not P or name == 'zca' and not invP then
         means = matrix:mean(1):view(-1)
         local values, vectors = unsup.pcacov(matrix)
         P, invP = make(vectors, values:add(epsilon or 1e-5):sqrt())
      end
      local result = torch.mm(matrix - means:view(1, -1):expandAs(matrix), P)
      return result:resizeAs(x), means, P, invP
   end

   unsup[colour_name] = function(x, means, P, invP)
      if not means or not invP then error('unsup.' .. colour_name .. ': expected the means and the inverse matrix', 2) end
      local result = torch.mm(samples(colour_name, x), invP)
      result:add(means:view(1, -1):expandAs(result))
      return result:resizeAs(x), means, P, invP
   end

   -- the transform, or its inverse, as a layer
   local function layer(x, means, P, invP, fill)
      if not means or not P or not invP then
         local _
         _, means, P, invP = unsup[whiten_name](x)
      end
      local n = x:nElement() / x:size(1)
      local linear = nn.Linear(n, n)
      fill(linear, means, P, invP)
      if x:dim() > 2 then
         linear = nn.Sequential():add(nn.Reshape(x:size(1), n)):add(linear):add(nn.Reshape(x:size()))
      end
      return linear, means, P, invP
   end
   unsup[name .. '_layer'] = function(x, means, P, invP)
      return layer(x, means, P, invP, function(linear, m, p)
         linear.weight:copy(p:t())
         linear.bias:zero()
         linear.bias:copy(linear:forward(m):mul(-1))
      end)
   end
   unsup['inv_' .. name .. '_layer'] = function(x, means, P, invP)
      return layer(x, means, P, invP, function(linear, m, _, inverse)
         linear.weight:copy(inverse:t())
         linear.bias:copy(m)
      end)
   end
end

-- k-means, in batches, with cosines of normalised random centroids to begin with. callback(i, centroids, counts) is
-- called before and after each iteration and ends the search where it gives true. Gives centroids and counts.
function unsup.kmeans(x, k, niter, batchsize, callback, verbose)
   local matrix = samples('kmeans', x)
   if type(k) ~= 'number' or k < 1 then error('unsup.kmeans: expected the number of centroids, got ' .. tostring(k), 2) end
   local n = matrix:size(1)
   batchsize = batchsize or math.min(1000, n)
   local shape = x:size()
   shape[1] = k
   local centroids = matrix.new(k, matrix:size(2)):normal()
   for i = 1, k do centroids[i]:div(centroids[i]:norm()) end
   local total = matrix.new(k):zero()
   if callback then callback(0, centroids:reshape(shape), total) end
   for i = 1, niter or 1 do
      if verbose then xlua.progress(i, niter or 1) end
      local sums, counts = centroids.new(centroids:size()):zero(), matrix.new(k):zero()
      local halves = torch.cmul(centroids, centroids):sum(2):mul(0.5)
      for first = 1, n, batchsize do
         local batch = matrix:narrow(1, first, math.min(batchsize, n - first + 1))
         local closeness = torch.mm(centroids, batch:t())
         closeness:add(-1, halves:expandAs(closeness))
         local _, labels = closeness:max(1)
         local members = matrix.new(batch:size(1), k):zero():scatter(2, labels:t(), 1)
         sums:addmm(members:t(), batch)
         counts:add(members:sum(1):view(-1))
      end
      for c = 1, k do
         if counts[c] > 0 then centroids[c]:copy(sums[c]:div(counts[c])) end
      end
      total:add(counts)
      if callback and callback(i, centroids:reshape(shape), total) then break end
   end
   return centroids:reshape(shape), total
end
