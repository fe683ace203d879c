-- Objects that other threads get as copies, but for storages and objects of tds, which both then have.
require 'tds'
local travel = require 'threads.travel'
return travel.pair(travel.shared)
