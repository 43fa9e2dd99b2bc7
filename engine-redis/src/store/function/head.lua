#!lua name=rushgate_2
-- What Redis decides for the nodes of a sale. `engine-redis/src/store/library.rs` joins the files of
-- this folder in the order head, state, facts, commands, stream, members, calls, load, quorum, snapshot,
-- presence; `docs/many-nodes.md` has the keys and the bytes. Lua has room for 200 locals at a time, so
-- what only one file needs is in a block there.
--
-- The same commands at the same time give the same records, byte for byte, as the arbiter of a single
-- process (`arbiter/local.rs`, `sale/decide.rs`, `sale/sweep.rs`). Whoever changes one changes both;
-- the differential test of `engine-redis/tests/it/differential.rs` sees to it.
--
-- A call reads what it needs, decides on copies in memory, and writes everything at its end. So an
-- error in the middle, or the time limit of Redis, leaves the sale as it was.

-- Raised with every change of this library that keeps the bytes of keys, calls and replies. A change
-- of those is another library, `rushgate_3`, which can stand beside this one.
local REVISION = 1

-- Keys, in the order in which every call names them.
local META, LINE, PLACES, SESSIONS, CLAIMS, STOCK = 1, 2, 3, 4, 5, 6
local HOLDS, DUE, UNITS, REPLAYS, KEPT, FACTS = 7, 8, 9, 10, 11, 12
local NODES, QUORUM, SNAPSHOT, SNAPSHOT_NEXT, ENDED = 13, 14, 15, 16, 17
local HOLD_REPLAYS, KEPT_HOLDS = 18, 19

-- Bounds; those of the same name in `limits.rs` are the same, which a test of `library.rs` sees to.
local PLACES_MAX = 33570816
local REPLAY_TTL_MS = 86400000
local DELETIONS_KEPT_MAX = 16
local SWEEP_RECORDS_MAX = 4096
local GATE_BURST_MS = 250
local DELIVERY_LEASE_MS = 5000
local NODE_NOTED_MS = 500
local CLOCK_LEAP_MS = 2000
local QUORUM_PRESENT_MS = 3000
local LOAD_SILENT_MS = 10000
local SILENT_KEPT_MS = 305000
-- Entries of the stream that stay for nodes that were away: at the busiest some minutes of facts.
local FACTS_ENTRIES_MAX = 65536
-- Entries that one answer carries. A node that is further behind reads before it decides.
local FACTS_READ_MAX = 256
-- Arguments of one inner call: Lua's stack has room for some 8,000.
local ARGUMENTS_MAX = 4000

-- One admission in the gate's bucket, which counts in millionths.
local ADMISSION = 1000000

-- Tags of the record forms of `record.rs`, `line.rs`, `hold.rs` and `sale.rs`.
local WAITING, CALLED, ADMITTED, COMPLETED, OVER = 1, 2, 3, 4, 5
local GONE_LEFT, GONE_IDLE, UNCLAIMED, REVOKED = 6, 7, 8, 9
local DEPARTED_LEFT, DEPARTED_IDLE, DEPARTED_REJOINED = 0, 1, 2
local END_UNCLAIMED, END_EXPIRED, END_ENDED, END_LEFT, END_COMPLETED = 0, 1, 2, 3, 4
local PAY, CONFIRM, RELEASE, EXPIRE, REFUND = 0, 1, 2, 3, 4
local HELD, PAYING, CONFIRMED, RELEASED, EXPIRED, REFUNDED = 0, 1, 2, 3, 4, 5
local SCHEDULED, OPEN, DRAINING, CLOSED = 0, 1, 2, 3

-- While a library is being loaded, the standard ones cannot be reached: they are bound by the first call.
local pack, unpack_bytes, byte, char, sub, floor, min, max, insert, concat

local function bind()
  pack, unpack_bytes = struct.pack, struct.unpack
  byte, char, sub = string.byte, string.char, string.sub
  floor, min, max = math.floor, math.min, math.max
  insert, concat = table.insert, table.concat
end

-- Calls `command` on `key` with the arguments, in as many calls as Lua's stack needs. `step` arguments
-- belong together.
local function call_with_all(command, key, arguments, step)
  local most = ARGUMENTS_MAX - ARGUMENTS_MAX % step
  for first = 1, #arguments, most do
    redis.call(command, key, unpack(arguments, first, min(first + most - 1, #arguments)))
  end
end

-- The values of `fields` from `command` (HMGET, ZMSCORE), which answers one to each.
local function read_all(command, key, fields)
  if #fields <= ARGUMENTS_MAX then
    return redis.call(command, key, unpack(fields))
  end
  local values = {}
  for first = 1, #fields, ARGUMENTS_MAX do
    local part = redis.call(command, key, unpack(fields, first, min(first + ARGUMENTS_MAX - 1, #fields)))
    for index = 1, #part do
      values[first + index - 1] = part[index]
    end
  end
  return values
end

-- Many items of one form at once: a call for each costs more than what it does.
local pack_all, unpack_all, join

do

local ITEMS_MAX = 256
-- Forms repeated up to `ITEMS_MAX` times, kept once they were made.
local repeated_forms = {}

local function repeated(form, count)
  local forms = repeated_forms[form] or {}
  repeated_forms[form] = forms
  forms[count] = forms[count] or '<' .. string.rep(form, count)
  return forms[count]
end

-- The strings of a list as one. A new string costs Redis' Lua a look at each of its bytes, so a single one
-- is not joined to a copy of itself.
function join(strings)
  return #strings == 1 and strings[1] or concat(strings)
end

-- `values`, of which each item has `fields`, in the byte form `form`.
function pack_all(form, fields, values)
  local parts, most = {}, ITEMS_MAX * fields
  for first = 1, #values, most do
    local last = min(first + most - 1, #values)
    parts[#parts + 1] = pack(repeated(form, (last - first + 1) / fields), unpack(values, first, last))
  end
  return join(parts)
end

-- `count` items of one field each from `bytes`, and where the bytes go on.
function unpack_all(form, count, bytes, at)
  local values = {}
  for first = 1, count, ITEMS_MAX do
    local items = min(ITEMS_MAX, count - first + 1)
    local part = { unpack_bytes(repeated(form, items), bytes, at) }
    for index = 1, items do
      values[first + index - 1] = part[index]
    end
    at = part[items + 1]
  end
  return values, at
end

end

-- Ids that sort as numbers do, for sorted sets whose scores may be equal.
local function sortable(number)
  return pack('>I8', number)
end

local function from_sortable(bytes)
  return (unpack_bytes('>I8', bytes))
end
