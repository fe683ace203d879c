-- Classes of nn that came with package nnx: what the samples (nn_samples.lua) do not show.
require 'nn'
torch.manualSeed(1)
local function near(a, b, most)
   if type(a) == 'number' then a, b = torch.Tensor { a }, torch.Tensor { b } end
   assert(a:isSize(b:size()), 'another size')
   local apart = (a:double() - b:double()):abs():max()
   assert(apart <= (most or 1e-9), 'apart by ' .. apart)
end
local function fails(f, text)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
end

-- ---- nn.PushTable and nn.PullTable ----
do
   local linear, bilinear = nn.Linear(4, 3), nn.Bilinear(3, 2, 2)
   local push = nn.PushTable(2)
   local net = nn.Sequential():add(push):add(nn.SelectTable(1)):add(linear):add(push:pull(2)):add(bilinear)
   local plain = nn.Sequential():add(nn.ParallelTable():add(linear:clone()):add(nn.Identity())):add(bilinear:clone())
   local input, gradOutput = { torch.randn(5, 4), torch.randn(5, 2) }, torch.randn(5, 2)
   for _, other in ipairs { net, net:clone() } do
      near(other:forward(input), plain:forward(input))
      -- each pass begins anew, with a forward and without
      for _ = 1, 2 do
         local got, wanted = other:backward(input, gradOutput), plain:backward(input, gradOutput)
         near(got[1], wanted[1])
         near(got[2], wanted[2])
      end
   end
   net:float():clearState()
   assert(torch.type(net:forward { input[1]:float(), input[2]:float() }) == 'torch.FloatTensor')

   -- several pulls: {a, b} -> {b, a, b, b}
   push = nn.PushTable(2)
   net = nn.Sequential():add(push):add(nn.Identity()):add(push:pull(2)):add(push:pull(3)):add(push:pull(1))
   local a, b = torch.randn(3), torch.randn(2)
   local output = net:forward { a, b }
   assert(#output == 4 and output[1] == b and output[2] == a and output[3] == b and output[4] == b)
   local gradients = net:backward({ a, b }, { b * 2, a, b * 3, b * 4 })
   near(gradients[1], a)
   near(gradients[2], b * 9)
   -- what nobody pulls has no gradient; tables and tensors of other types go around too
   push = nn.PushTable(1)
   assert(#push:forward { a, b } == 1)
   near(push:backward({ a, b }, { b })[1], torch.zeros(3))
   local pull = push:pull(1)
   push:forward { { a, b:int() }, b }
   assert(pull:forward(b)[1][2]:sum() == b:int():sum())
   pull:backward(b, { { a, b:int() }, b })
   near(push:backward({ { a, b:int() }, b }, { b })[1][1], a)
   fails(function() nn.PullTable(nn.PushTable(1), 1):forward(a) end, 'nn.PushTable: forward comes before backward')
   fails(function() push:forward { } end, 'nn.PushTable: a table of 1 entry expected as input')
   fails(function() push:pull(4):forward { a } end, 'nn.PullTable: a table of 3 or more entries expected as input')
end

-- ---- nn.SoftMaxTree ----
do
   local tree = { [29] = { 30, 1, 2 }, [1] = { 3, 4, 5 }, [2] = { 6, 7, 8 }, [8] = { 24, 25, 26, 27, 28 }, [3] = { 9, 10, 11 } }
   for id, children in pairs(tree) do tree[id] = torch.IntTensor(children) end
   local input, target, gradOutput = torch.randn(4, 6), torch.IntTensor { 26, 9, 30, 7 }, torch.randn(4)
   local smt = nn.SoftMaxTree(6, tree, 29)
   smt:zeroGradParameters()
   -- the first sample by layers: the ways are 29 -> 2 -> 8 -> 26
   local sum = nn.CAddTable()
   local ways = nn.ConcatTable()
   local layers = {}
   for i, step in ipairs { { 29, 3 }, { 2, 3 }, { 8, 3 } } do
      local layer = nn.Linear(6, tree[step[1]]:nElement())
      local values = smt:getNodeParameters(step[1])
      layer.weight:copy(values[1])
      layer.bias:copy(values[2])
      layers[i] = layer
      ways:add(nn.Sequential():add(layer):add(nn.LogSoftMax()):add(nn.Narrow(1, step[2], 1)))
   end
   local plain = nn.Sequential():add(ways):add(sum)
   plain:zeroGradParameters()
   local output = smt:forward { input, target }
   near(output[1], plain:forward(input[1])[1])
   local gradInput = smt:backward({ input, target }, gradOutput)
   near(gradInput[1][1], plain:backward(input[1], gradOutput:narrow(1, 1, 1)))
   assert(torch.type(gradInput[2]) == 'torch.IntTensor' and gradInput[2]:abs():sum() == 0)
   assert(smt.updates[29] == 4 and smt.updates[8] == 1 and smt.updates[3] == 1)
   local _, gradients = smt:getNodeParameters(8)
   near(gradients[1], layers[3].gradWeight)
   near(gradients[2], layers[3].gradBias)

   -- parameters by fixed numbers, or as a list
   local values = smt:parameters()
   assert(values[29] and values[29 + 29] and values[8] and not values[5])
   local before = smt.weight:clone()
   smt:updateParameters(0.5)
   near(smt.weight, before - smt.gradWeight * 0.5)
   smt:zeroGradParameters()
   assert(smt.gradWeight:abs():sum() == 0 and next(smt.updates) == nil)
   assert(#nn.SoftMaxTree(6, tree, 29, false, false):parameters() == 2)

   -- learning without gradients is the same step
   local direct = nn.SoftMaxTree(6, tree, 29, true)
   direct.weight:copy(smt.weight)
   direct.bias:copy(smt.bias)
   for _, net in ipairs { smt, direct } do
      net:forward { input, target }
      net:backwardUpdate({ input, target }, gradOutput, 0.1)
   end
   near(direct.weight, smt.weight)
   near(direct.bias, smt.bias)
   fails(function() direct:backward({ input, target }, gradOutput) end, 'nn.SoftMaxTree: made with accUpdate')

   -- copies share the tree's meaning; targets of any type of integers
   local copy = smt:clone():float()
   near(copy:forward { input:float(), target:long() }, smt:forward { input, target }, 1e-5)
   assert(torch.type(copy.childParent) == 'torch.IntTensor')
   smt:maxNorm(0.1)
   assert(smt.weight:norm(2, 2):max() < 0.1 + 1e-6)

   local function made(hierarchy, root)
      for id, children in pairs(hierarchy) do hierarchy[id] = torch.IntTensor(children) end
      return function() nn.SoftMaxTree(2, hierarchy, root) end
   end
   fails(made({ [1] = { 2, 3 }, [2] = { 3 } }), 'nn.SoftMaxTree: node 3 is a child of both node 1 and node 2')
   fails(made({ [1] = { 2 }, [3] = { 4 } }), 'nn.SoftMaxTree: node 3, which has children, does not hang below the root, node 1')
   fails(made({ [1] = { 2 }, [3] = { 4 }, [4] = { 3 } }), 'does not hang below the root')
   fails(made({ [1] = { 2 }, [2] = { 1 } }), 'nn.SoftMaxTree: the root, node 1, is a child of node 2')
   fails(made({ [1] = { 2 } }, 7), 'nn.SoftMaxTree: the root, node 7, has no children')
   fails(made({ [1] = { 0 } }), 'nn.SoftMaxTree: nodes from 1 on expected as the children of node 1, got 0')
   fails(function() smt:forward { input, torch.IntTensor { 26, 29, 30, 7 } } end, 'nn.SoftMaxTree: target 29 is no node below the root 29')
   fails(function() smt:forward { input, torch.IntTensor { 26, 99, 30, 7 } } end, 'nn.SoftMaxTree: target 99 is no node below the root')
   fails(function() smt:forward { input, target:narrow(1, 1, 3) } end, 'nn.SoftMaxTree: a vector of 4 nodes expected as target')
   fails(function() smt:getNodeParameters(30) end, 'nn.SoftMaxTree: a node with children expected, got the number 30')

   local criterion = nn.TreeNLLCriterion()
   near(criterion:forward(output), -output:mean())
   near(criterion:backward(output), torch.Tensor(4):fill(-0.25))
end

-- ---- nn.CTCCriterion: values of warp-ctc's tutorial ----
do
   local first = torch.Tensor {
      { { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 } },
      { { 1, 2, 3, 4, 5 }, { 6, 7, 8, 9, 10 }, { 11, 12, 13, 14, 15 } },
      { { -5, -4, -3, -2, -1 }, { -10, -9, -8, -7, -6 }, { -15, -14, -13, -12, -11 } },
   }
   local targets, sizes, wanted = { { 1 }, { 3, 3 }, { 2, 3 } }, { 1, 3, 3 }, { 1.6094379425049, 7.355742931366, 4.9388499259949 }
   local criterion = nn.CTCCriterion(true)
   for i = 1, 3 do
      near(criterion:forward(first:narrow(1, i, 1), { targets[i] }, { sizes[i] }), wanted[i], 1e-5)
      -- one sequence, in either dimension or as a matrix
      near(nn.CTCCriterion():forward(first:narrow(1, i, 1), { targets[i] }, { sizes[i] }), wanted[i], 1e-5)
      near(nn.CTCCriterion():forward(first[i], { targets[i] }, { sizes[i] }), wanted[i], 1e-5)
   end
   near(criterion:forward(first, targets, torch.Tensor(sizes)), (wanted[1] + wanted[2] + wanted[3]) / 3, 1e-5)
   local gradient = criterion:backward(first, targets):clone()
   assert(gradient:sum(3):abs():max() < 1e-9 and gradient[1]:narrow(1, 2, 2):abs():sum() == 0)
   near(gradient[1][1], torch.Tensor { 0.2, -0.8, 0.2, 0.2, 0.2 })
   -- frames first, and rows; labels in tensors; floats
   local frames = first:transpose(1, 2):contiguous()
   local vectors = { torch.IntTensor { 1 }, torch.LongTensor { 3, 3 }, torch.Tensor { 2, 3 } }
   local other = nn.CTCCriterion()
   near(other:forward(frames, vectors, torch.IntTensor(sizes)), criterion.output)
   near(other:backward(frames, vectors), gradient:transpose(1, 2))
   near(other:forward(frames:view(9, 5), targets, sizes), criterion.output)
   near(other:backward(frames:view(9, 5), targets), gradient:transpose(1, 2):contiguous():view(9, 5))
   other:float()
   near(other:forward(frames:float(), targets, sizes), criterion.output, 1e-5)
   assert(torch.type(other:backward(frames:float(), targets)) == 'torch.FloatTensor')
   -- as package warp_ctc has it
   require 'warp_ctc'
   local gradients = torch.Tensor(9, 5):fill(7):float()
   local costs = cpu_ctc(frames:view(9, 5):float(), gradients, targets, sizes)
   for i = 1, 3 do near(costs[i], wanted[i], 1e-5) end
   near(gradients, gradient:transpose(1, 2):contiguous():view(9, 5), 1e-5)
   local none = torch.Tensor()
   assert(#cpu_ctc(frames:view(9, 5), none, targets, sizes) == 3 and none:nElement() == 0)
   fails(function() cpu_ctc(first, none, targets, sizes) end, 'cpu_ctc: a matrix expected as scores, got 3 dimensions')
   fails(function() cpu_ctc(first[1], none, { { 7 } }, { 3 }) end, 'cpu_ctc: target class 7 out of range 1..4')
   -- too few frames
   assert(criterion:forward(first[{ { 1 }, { 1, 2 } }], { { 2, 2 } }) == 0)
   assert(criterion:backward(first[{ { 1 }, { 1, 2 } }], { { 2, 2 } }):abs():sum() == 0)
   fails(function() criterion:forward(first, { { 1 }, { 2 } }) end, 'nn.CTCCriterion: an input of 2 samples expected, one for each target, got 3')
   fails(function() criterion:forward(first, { { 1 }, { 5 }, { 2 } }) end, 'nn.CTCCriterion: target class 5 out of range 1..4')
   fails(function() criterion:forward(first, { { 1 }, { 0 }, { 2 } }) end, 'nn.CTCCriterion: target class 0 out of range 1..4')
   fails(function() criterion:forward(first, targets, { 1, 2, 4 }) end, 'nn.CTCCriterion: the size of a sequence should be 0 to 3')
   fails(function() criterion:forward(first, targets, { 1, 2 }) end, 'nn.CTCCriterion: 3 sizes expected')
   fails(function() criterion:forward(first, { { nil, 1 }, { 1 }, { 2 } }) end, 'nn.CTCCriterion: a number expected as target[1][1], got nothing')
   -- backward takes the sizes as well, without a forward and after one with others
   other:double()
   wanted = other:clone()
   wanted:forward(first, { { 1 }, { 2 }, { 3 } }, { 1, 2, 3 })
   wanted = wanted:backward(first, { { 1 }, { 2 }, { 3 } })
   near(nn.CTCCriterion():backward(first, { { 1 }, { 2 }, { 3 } }, { 1, 2, 3 }), wanted)
   other:forward(first, { { 1 }, { 2 }, { 3 } }, { 3, 3, 3 })
   near(other:backward(first, { { 1 }, { 2 }, { 3 } }, { 1, 2, 3 }), wanted)
   other.gradInput = false
   fails(function() other:backward(first, { { 1 }, { 2 }, { 3 } }) end, 'nn.CTCCriterion: a tensor expected as the field gradInput')
   fails(function() criterion:forward(first, { { 'a' }, { 1 }, { 1 } }) end, 'nn.CTCCriterion: a number expected as target[1][1], got the string "a"')
end

print('all as it should be')
