-- What a sale says to each command: facts, and a reply; and what time alone brings about.

local read_commands, decide_all

do

local GATE_WALK_PLACES_MAX = 16384
local SHOPPER_HOLDS_MIN = 16
local SHOPPER_HOLDS_PER_UNIT = 8

-- Replies, one to each command: a byte that says which, and its fields.
local SAID = {
  DONE = 0, PLACED = 1, SESSION = 2, HOLD = 3, NOTED = 4, NOT_OPEN = 16, OTHER_BODY = 17,
  LINE_FULL = 18, NO_PLACE = 19, NOT_CALLED = 20, NO_SESSION = 21, LIMIT = 22, SOLD_OUT = 23,
  STALLED = 24, HOLDS_FULL = 25, NO_HOLD = 26, WRONG_STATE = 27, TOO_MANY_HOLDS = 28,
  ENTERED_BEFORE = 29,
}

local function phase(s)
  -- The schedule is by the wall clock.
  local wall = s.at + (s.wall_offset or 0)
  if s.closed == 1 or (s.closes_at and wall >= s.closes_at) then
    return CLOSED
  elseif s.opened ~= 1 and s.opens_at and wall < s.opens_at then
    return SCHEDULED
  end
  return s.draining == 1 and DRAINING or OPEN
end

-- Whether a ticket, verified by the node, is of a place of this line. Its state comes second.
local function is_place(s, ticket)
  if ticket.epoch ~= s.places_epoch then
    return false
  end
  local state, shopper = place(s, ticket.number)
  return shopper == ticket.shopper and state ~= nil, state
end

-- The reply to an entry whose key was answered before with a place that the shopper still has; nil when
-- the key is new. A place that is over is of no use to anyone.
local function replayed_entry(s, replay)
  local known = replay and find_entry(s, replay)
  if not known or not is_live(place(s, known.number)) then
    return nil
  elseif not known.same_body then
    return char(SAID.OTHER_BODY)
  end
  return pack('<BI8B', SAID.PLACED, known.number, 1)
end

-- The reply to a purchase or a step whose key was answered before; nil when it is new.
local function replayed_hold(s, replay)
  local known = replay and find_hold(s, replay)
  if not known then
    return nil
  elseif not known.same_body then
    return char(SAID.OTHER_BODY)
  elseif not hold_bytes(s, known.number) then
    -- Of a full book, a hold may be forgotten before its keys.
    return nil
  end
  return pack('<BI8BB', SAID.HOLD, known.number, known.state, 1)
end

-- An entry. The reply waits for the gate, so this notes the command in `s.entering`, or refuses.
local function enter(s, command, index)
  local replay, shopper = command.replay, command.shopper
  local first = replay and s.asked[replay.key]
  if first then
    if first.replay.body ~= replay.body then
      return char(SAID.OTHER_BODY)
    end
    command.index, command.number, command.shopper = index, first.number, first.shopper
    s.entering[#s.entering + 1] = command
    return
  end
  local again = replayed_entry(s, replay)
  if again then
    return again
  end
  local stage, number = phase(s), live(s, shopper)
  local is_over = number and s.enters_once == 1 and not is_live(place(s, number))
  if stage ~= OPEN and not (stage == DRAINING and number and not is_over) then
    return char(SAID.NOT_OPEN, stage)
  elseif is_over then
    return char(SAID.ENTERED_BEFORE)
  end
  local gives_up = number and s.enters_once ~= 1 and s.rejoin_tail == 1 and stage == OPEN and place(s, number) == WAITING
  if not number or gives_up then
    if s.issued >= PLACES_MAX then
      return char(SAID.LINE_FULL)
    end
    if gives_up then
      fact_departed(s, DEPARTED_REJOINED, { number })
    end
    number = fact_entered(s, shopper)
  end
  command.index, command.number = index, number
  s.entering[#s.entering + 1] = command
  if replay then
    s.asked[replay.key] = command
  end
end

-- Entries without a key, one behind the other: a crowd's. As many as have no place yet get theirs
-- together, in the first of the replies; the others are looked at one by one.
local function enter_all(s, command, replies)
  local shoppers, entered = command.shoppers, 0
  if phase(s) == OPEN then
    entered = fact_entered_all(s, shoppers)
    s.entering[1 + #s.entering] =
      { index = #replies + 1, number = s.issued + 1 - entered, count = entered, shoppers = shoppers }
    replies[#replies + 1] = ''
  end
  for at = entered + 1, #shoppers do
    local index = #replies + 1
    replies[index] = enter(s, { shopper = shoppers[at] }, index) or ''
  end
end

-- The reply to an entry after the gate has moved: who was called at once is let in.
local function answer_entry(s, entry)
  local replay = entry.replay
  -- Another entry of this batch may have given this place up for a later one.
  local number = live(s, entry.shopper) or entry.number
  local known = replay and find_entry(s, replay)
  if known and known.same_body and known.number == number then
    -- Another entry of this batch with the same key was answered just now.
    return pack('<BI8B', SAID.PLACED, number, 1)
  end
  if number <= s.watermark and place(s, number) == CALLED then
    fact_claimed(s, number)
  end
  if replay then
    fact_noted(s, number, replay)
  end
  return pack('<BI8B', SAID.PLACED, number, 0)
end

-- The replies to entries that were given their places together.
local function answer_all(s, entries)
  local first, told = entries.number - 1, {}
  if first >= s.watermark and not s.has_taken then
    -- The byte that says which, and the number behind it, which ends in zeros as the reply does.
    for index = 1, entries.count do
      told[index] = (first + index) * 256 + SAID.PLACED
    end
    return pack_all('I8xx', 1, told)
  end
  for index = 1, entries.count do
    told[index] = answer_entry(s, { shopper = entries.shoppers[index], number = first + index })
  end
  return concat(told)
end

local function leave(s, command)
  local mine, state = is_place(s, command.ticket)
  if not mine then
    return char(SAID.NO_PLACE)
  end
  local number = command.ticket.number
  if state == WAITING then
    fact_departed(s, DEPARTED_LEFT, { number })
  elseif has_session(state) then
    fact_session_ended(s, number, END_LEFT)
  end
  return char(SAID.DONE)
end

local function claim(s, command)
  local mine, state = is_place(s, command.ticket)
  if not mine then
    return char(SAID.NO_PLACE)
  elseif not has_session(state) then
    return char(SAID.NOT_CALLED, state)
  end
  local number = command.ticket.number
  if deadline(s, number) <= s.at then
    -- Over, though the sweep has not come to it yet.
    return char(SAID.NOT_CALLED, OVER)
  end
  if state == CALLED then
    fact_claimed(s, number)
    state = ADMITTED
  end
  return pack('<BBI8I8', SAID.SESSION, state, claimed_at(s, number), deadline(s, number))
end

-- The wanted units, one line for each offer; nil for an offer or a quantity that cannot be.
local function wanted_of(s, wanted)
  local items, of = {}, {}
  for _, want in ipairs(wanted) do
    if want.offer >= s.offers then
      return nil
    end
    local item = of[want.offer]
    if not item then
      item = { offer = want.offer, quantity = 0 }
      of[want.offer] = item
      items[#items + 1] = item
    end
    item.quantity = item.quantity + want.quantity
    if item.quantity > 4294967295 then
      return nil
    end
  end
  return items
end

local function are_available(s, items)
  for _, item in ipairs(items) do
    if stock(s)[item.offer][1] < item.quantity then
      return false
    end
  end
  return true
end

-- Whether the ticket's place is in a session from which it may buy.
local function admits(s, ticket)
  local mine, state = is_place(s, ticket)
  local admitted = state == ADMITTED or state == COMPLETED
  return mine and admitted and s.at < deadline(s, ticket.number)
end

local function purchase(s, command)
  local replay, ticket = command.replay, command.ticket
  local again = replayed_hold(s, replay)
  if again then
    return again
  end
  local stage = phase(s)
  if stage ~= OPEN and stage ~= DRAINING then
    return char(SAID.NOT_OPEN, stage)
  elseif not admits(s, ticket) then
    return char(SAID.NO_SESSION)
  end
  local items = wanted_of(s, command.wanted)
  if not items then
    return char(SAID.SOLD_OUT)
  end
  local units, of = 0, share(s, ticket.shopper)
  for _, item in ipairs(items) do
    units = units + item.quantity
  end
  if of.units + units > s.per_shopper_max then
    return pack('<BI8I4', SAID.LIMIT, of.units, s.per_shopper_max)
  elseif of.made >= max(SHOPPER_HOLDS_MIN, s.per_shopper_max * SHOPPER_HOLDS_PER_UNIT) then
    return char(SAID.TOO_MANY_HOLDS)
  elseif not are_available(s, items) then
    return char(SAID.SOLD_OUT)
  elseif is_full_of_holds(s) then
    return char(SAID.HOLDS_FULL)
  elseif s.stalled then
    return char(SAID.STALLED)
  end
  local id = fact_held(s, ticket.number, ticket.shopper, items, replay)
  return pack('<BI8BB', SAID.HOLD, id, HELD, 0)
end

local function applies(step, state)
  if step == PAY or step == EXPIRE then
    return state == HELD
  elseif step == REFUND then
    return state == CONFIRMED
  end
  return is_open(state)
end

local function settle(s, command)
  local id, step, replay = command.hold, command.step, command.replay
  local bytes = hold_bytes(s, id)
  local shopper = bytes and sub(bytes, 17, 32)
  if not bytes or command.epoch ~= s.places_epoch or (command.by and command.by ~= shopper) then
    return char(SAID.NO_HOLD)
  end
  local again = replayed_hold(s, replay)
  if again then
    return again
  end
  local state = byte(bytes, HOLD_STATE)
  if state == TARGET[step] then
    -- Done before: no change. A key's answer is kept if the hold may move on; where it cannot, every
    -- asking gets this answer, and shoppers could ask without end.
    if replay and not is_final(state) then
      fact_step_answered(s, id, state, replay)
    end
    return pack('<BI8BB', SAID.HOLD, id, state, 0)
  end
  if state == HELD and unpack_bytes('<I8', bytes, #bytes - 7) <= s.at then
    -- Over, though the sweep has not come to it yet.
    return char(SAID.WRONG_STATE, EXPIRED)
  end
  -- A shopper can give an own hold up before payment begins, and nothing else.
  local allowed = not command.by or (step == RELEASE and state == HELD)
  if not allowed or not applies(step, state) then
    return char(SAID.WRONG_STATE, state)
  end
  local number = unpack_bytes('<I8', bytes, 9)
  local completes = step == CONFIRM and place(s, number) == ADMITTED and share(s, shopper).open == 1
  fact_settled(s, id, step, replay)
  if completes then
    fact_session_ended(s, number, END_COMPLETED)
  end
  return pack('<BI8BB', SAID.HOLD, id, TARGET[step], 0)
end

local function end_session(s, command)
  local number = command.number
  if command.epoch ~= s.places_epoch or number < 1 or number > s.watermark then
    return char(SAID.NO_SESSION)
  end
  if has_session(place(s, number)) then
    fact_session_ended(s, number, END_ENDED)
  end
  return char(SAID.DONE)
end

local function idle(s, command)
  local quiet = {}
  for _, number in ipairs(command.numbers) do
    if place(s, number) == WAITING then
      quiet[#quiet + 1] = number
    end
  end
  if #quiet > 0 then
    fact_departed(s, DEPARTED_IDLE, quiet)
  end
  return char(SAID.NOTED, #quiet > 0 and 1 or 0)
end

-- Nobody having called for so long is an outage: nodes call every 50 ms, of quiet sales every second, and
-- that a node called is noted every half second.
local OUTAGE_MS = 4000
-- Called places have so long to claim after it.
local CLAIM_AFTER_OUTAGE_MS = 10000

-- Nobody could claim for a while, since no node called: called places get the least time to.
local function resume_after_outage(s)
  if not s.called_at or s.at - s.called_at < OUTAGE_MS then
    return
  end
  local least = s.at + min(s.claim_window_ms, CLAIM_AFTER_OUTAGE_MS)
  local called = {}
  for _, id in ipairs(redis.call('ZRANGE', s.keys[SESSIONS], '-inf', least - 1, 'BYSCORE')) do
    local number = from_sortable(id)
    if place(s, number) == CALLED then
      called[#called + 1] = number
    end
  end
  if #called > 0 then
    record(s, 23, '')
    for _, number in ipairs(called) do
      set_deadline(s, number, least)
    end
  end
end

-- Ends that are due: holds not paid, calls not claimed, sessions past their time.
local function end_what_is_due(s)
  -- Half at most are holds, so that many that end together don't keep sessions past their time.
  local holds = due_ids(s, DUE, SWEEP_RECORDS_MAX / 2)
  local sessions = due_ids(s, SESSIONS, SWEEP_RECORDS_MAX - #holds)
  for _, id in ipairs(holds) do
    fact_settled(s, from_sortable(id), EXPIRE, nil)
  end
  for _, id in ipairs(sessions) do
    local number = from_sortable(id)
    -- Those given more time just now are not over, whatever the keys still say.
    if (s.deadlines[number] or s.at) <= s.at then
      local called = place(s, number) == CALLED
      fact_session_ended(s, number, called and END_UNCLAIMED or END_EXPIRED)
    end
  end
end

-- Slots that the cap and the stock leave free.
local function free_slots(s)
  local most = s.active_max
  if s.overbook then
    local milli = sellable(s) * s.overbook
    most = min(most, floor((milli + 999) / 1000))
  end
  return max(most - s.active, 0)
end

-- The gate's next call: as many of the next in line as pace, slots and stock allow. Whichever node
-- comes first makes it, and has emptied the bucket for the others. Where a great many have left it may
-- call nobody and only move on: a call looks at so many places and no more.
local function call_the_next(s)
  local stage, waiting = phase(s), s.issued - s.departed - s.called
  if s.paused == 1 or (stage ~= OPEN and stage ~= DRAINING) or waiting == 0 then
    return
  end
  local left = min(floor(level_now(s) / ADMISSION), free_slots(s), waiting)
  if left == 0 then
    return
  end
  local numbers, number = {}, s.watermark
  local last = min(s.issued, number + GATE_WALK_PLACES_MAX)
  while #numbers < left and number < last do
    number = number + 1
    if place(s, number) == WAITING then
      numbers[#numbers + 1] = number
    end
  end
  fact_called(s, number, numbers)
end

-- Commands, as `commands.rs` writes them.

local function read_replay(bytes, at)
  if byte(bytes, at) == 0 then
    return nil, at + 1
  end
  local key, body, following = unpack_bytes('c16c16', bytes, at + 1)
  return { key = key, body = body }, following
end

local function read_ticket(bytes, at)
  local epoch, number, shopper, following = unpack_bytes('<I4I8c16', bytes, at)
  return { epoch = epoch, number = number, shopper = shopper }, following
end

local READ = {
  [1] = function(c, bytes, at)
    c.run, c.shopper, at = enter, sub(bytes, at, at + 15), at + 16
    c.replay, at = read_replay(bytes, at)
    return at
  end,
  [2] = function(c, bytes, at)
    c.run = leave
    c.ticket, at = read_ticket(bytes, at)
    return at
  end,
  [3] = function(c, bytes, at)
    c.run = claim
    c.ticket, at = read_ticket(bytes, at)
    return at
  end,
  [4] = function(c, bytes, at)
    c.run, c.wanted = purchase, {}
    c.ticket, at = read_ticket(bytes, at)
    c.replay, at = read_replay(bytes, at)
    local count
    count, at = unpack_bytes('B', bytes, at)
    for index = 1, count do
      local offer, quantity, following = unpack_bytes('<HI4', bytes, at)
      c.wanted[index], at = { offer = offer, quantity = quantity }, following
    end
    return at
  end,
  [5] = function(c, bytes, at)
    c.run = settle
    local by_shopper
    c.epoch, c.hold, c.step, by_shopper, at = unpack_bytes('<I4I8BB', bytes, at)
    if by_shopper == 1 then
      c.by, at = unpack_bytes('c16', bytes, at)
    end
    c.replay, at = read_replay(bytes, at)
    return at
  end,
  [6] = function(c, bytes, at)
    c.run = end_session
    c.epoch, c.number, at = unpack_bytes('<I4I8', bytes, at)
    return at
  end,
  [7] = function(c, bytes, at)
    c.run, c.numbers = idle, {}
    local count
    count, at = unpack_bytes('<I4', bytes, at)
    for index = 1, count do
      c.numbers[index], at = unpack_bytes('<I8', bytes, at)
    end
    return at
  end,
  [8] = function(c, bytes, at)
    c.run = enter_all
    local count
    count, at = unpack_bytes('<I4', bytes, at)
    c.shoppers, at = unpack_all('c16', count, bytes, at)
    return at
  end,
}

function read_commands(bytes)
  local commands, at = {}, 1
  while at <= #bytes do
    local command = {}
    at = READ[byte(bytes, at)](command, bytes, at + 1)
    commands[#commands + 1] = command
  end
  return commands
end

-- Reads at once what the commands will ask for one by one.
local function look_ahead(s, commands)
  local shoppers, entry_keys, hold_keys = {}, {}, {}
  for _, command in ipairs(commands) do
    if command.run == enter then
      shoppers[#shoppers + 1] = command.shopper
    elseif command.run == enter_all then
      read_live(s, command.shoppers)
    end
    if command.replay then
      insert(command.run == enter and entry_keys or hold_keys, command.replay.key)
    end
  end
  read_live(s, shoppers)
  read_kept(s, OF_ENTRIES, entry_keys)
  read_kept(s, OF_HOLDS, hold_keys)
end

-- A batch: what is due, the commands in their order, the gate, and then the replies to entries, so
-- that who enters an empty room is let in at once. Returns the replies.
function decide_all(s, commands)
  local replies = {}
  s.asked, s.entering = {}, {}
  -- Before the facts below: what is read now must not undo what they change.
  look_ahead(s, commands)
  resume_after_outage(s)
  end_what_is_due(s)
  for _, command in ipairs(commands) do
    local index = #replies + 1
    if command.run == enter_all then
      enter_all(s, command, replies)
    else
      replies[index] = command.run(s, command, index) or ''
    end
  end
  call_the_next(s)
  for _, entry in ipairs(s.entering) do
    replies[entry.index] = entry.count and answer_all(s, entry) or answer_entry(s, entry)
  end
  return join(replies)
end

end
