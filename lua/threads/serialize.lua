-- Objects that other threads get as copies.
local travel = require 'threads.travel'
return travel.pair(travel.copied)
