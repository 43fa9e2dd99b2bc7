-- Decided facts: each function appends a record in the byte form of `record.rs` and changes the state
-- as `sale.rs` does when it applies that record.

-- Tag, sale; then the record's fields.
local function record(s, tag, fields)
  s.records[#s.records + 1] = char(tag) .. s.tag .. fields
end

local function optional_replay(replay)
  return replay and char(1) .. replay.key .. replay.body or char(0)
end

-- The pile of the stock on which a hold's units lie while it is in a state.
local PILE = { [HELD] = 2, [PAYING] = 3, [CONFIRMED] = 4, [RELEASED] = 1, [EXPIRED] = 1, [REFUNDED] = 1 }
-- The state that a step leads to.
local TARGET = {
  [PAY] = PAYING, [CONFIRM] = CONFIRMED, [RELEASE] = RELEASED, [EXPIRE] = EXPIRED, [REFUND] = REFUNDED,
}

local function is_open(state)
  return state == HELD or state == PAYING
end

-- Whether a hold stays in this state for good.
local function is_final(state)
  return state == RELEASED or state == EXPIRED or state == REFUNDED
end

-- Whether a hold's units count against the limit per shopper.
local function counts(state)
  return is_open(state) or state == CONFIRMED
end

local function fact_entered(s, shopper)
  local number = s.issued + 1
  record(s, 3, pack('<I8', number) .. shopper)
  s.issued = number
  add_place(s, number, shopper)
  set_live(s, shopper, number)
  return number
end

-- Entries of those among the first `shoppers` who have no place, up to the first who has one. Returns how
-- many entered. The same as `fact_entered` for each, with what is alike done once.
local function fact_entered_all(s, shoppers)
  local live, line, values = s.live, s.line_added, {}
  local head, first, entered = char(3) .. s.tag, s.issued, 0
  for index = 1, min(#shoppers, PLACES_MAX - first) do
    local shopper = shoppers[index]
    if live[shopper] then
      break
    end
    local number = first + index
    live[shopper] = number
    line[#line + 1], line[#line + 2] = number, shopper
    local at = entered * 3
    values[at + 1], values[at + 2], values[at + 3] = head, number, shopper
    entered = index
  end
  if entered > 0 then
    s.records[#s.records + 1] = pack_all('c9I8c16', 3, values)
    add_places(s, first + 1, shoppers, entered)
    s.issued = first + entered
  end
  return entered
end

local DEPARTED_STATE = {
  [DEPARTED_LEFT] = GONE_LEFT, [DEPARTED_IDLE] = GONE_IDLE, [DEPARTED_REJOINED] = REVOKED,
}

-- Places that wait leave the line.
local function fact_departed(s, reason, numbers)
  local listed = {}
  for _, number in ipairs(numbers) do
    listed[#listed + 1] = pack('<I8', number)
    local _, shopper = place(s, number)
    set_place(s, number, DEPARTED_STATE[reason])
    set_live(s, shopper, false)
  end
  s.departed = s.departed + #numbers
  record(s, 4, char(reason) .. pack('<I8', #numbers) .. concat(listed))
end

-- What the bucket holds now. Numbers past 2^53 are no longer exact, but far above the burst then.
local function level_now(s)
  local filled = s.rate * max(s.at - s.filled_at, 0)
  return min(s.level + filled, max(s.rate * GATE_BURST_MS, ADMISSION))
end

-- Calls `numbers`, the waiting places up to the watermark.
local function fact_called(s, watermark, numbers)
  record(s, 5, pack('<I8', watermark))
  for _, number in ipairs(numbers) do
    set_place(s, number, CALLED)
    set_deadline(s, number, s.at + s.claim_window_ms)
  end
  s.level = level_now(s) - #numbers * ADMISSION
  s.filled_at = s.at
  s.watermark = watermark
  s.called = s.called + #numbers
  s.active = s.active + #numbers
end

local function fact_claimed(s, number)
  record(s, 6, pack('<I8', number))
  local over = s.at + s.session_ms
  -- Up to the whole second, as a pass counts.
  set_deadline(s, number, over + (1000 - over % 1000) % 1000)
  set_claimed_at(s, number, s.at)
  set_place(s, number, ADMITTED)
end

local function fact_session_ended(s, number, reason)
  record(s, 7, pack('<I8', number) .. char(reason))
  local state, shopper = place(s, number)
  if state == CALLED or state == ADMITTED then
    s.active = s.active - 1
  end
  if reason == END_COMPLETED then
    set_place(s, number, COMPLETED)
    return
  end
  local left = { [END_UNCLAIMED] = UNCLAIMED, [END_LEFT] = GONE_LEFT }
  set_place(s, number, left[reason] or OVER)
  set_live(s, shopper, false)
  set_deadline(s, number, false)
  if state ~= CALLED then
    set_claimed_at(s, number, false)
  end
end

-- An entry with a key was answered. What it was told follows from the state at this place of the
-- stream, so the record needs only the number.
local function fact_noted(s, number, replay)
  record(s, 15, replay.key .. replay.body .. pack('<I8', number))
  keep_entry(s, replay, number)
end

-- `items` are { offer, quantity }, each offer once.
local function fact_held(s, number, shopper, items, replay)
  local id = s.holds + 1
  local listed, units = {}, 0
  for _, item in ipairs(items) do
    local price = stock(s)[item.offer][6]
    listed[#listed + 1] = pack('<HI4I8', item.offer, item.quantity, price)
    units = units + item.quantity
    move_units(s, item.offer, 1, 2, item.quantity)
  end
  local what = pack('<I8', #items) .. concat(listed)
  local whose = pack('<I8I8', id, number) .. shopper
  record(s, 9, whose .. what .. optional_replay(replay))
  local expires_at = s.at + s.hold_ms
  s.holds = id
  add_hold(s, id, whose .. char(HELD) .. what .. pack('<I8I8', s.at, expires_at))
  s.due_added[#s.due_added + 1] = expires_at
  s.due_added[#s.due_added + 1] = sortable(id)
  local of = share_to_change(s, shopper)
  of.units, of.open, of.made = of.units + units, of.open + 1, of.made + 1
  if replay then
    keep_hold(s, replay, id, HELD)
  end
  return id
end

local function fact_settled(s, id, step, replay)
  record(s, 10, pack('<I8', id) .. char(step) .. optional_replay(replay))
  local bytes, target = hold_bytes(s, id), TARGET[step]
  local was, shopper = byte(bytes, HOLD_STATE), sub(bytes, 17, 32)
  put_hold(s, id, sub(bytes, 1, HOLD_STATE - 1) .. char(target) .. sub(bytes, HOLD_STATE + 1))
  local units = 0
  for _, item in ipairs(items_of(bytes)) do
    units = units + item.quantity
    if step ~= REFUND or s.refund_restocks == 1 then
      move_units(s, item.offer, PILE[was], PILE[target], item.quantity)
    end
  end
  if PILE[target] == 1 and id <= (s.set_aside or 0) and (step ~= REFUND or s.refund_restocks == 1) then
    -- A node is missing that may have seen the hold end before, and sold its units.
    record(s, 24, pack('<I8', id))
    for _, item in ipairs(items_of(bytes)) do
      move_units(s, item.offer, 1, 5, item.quantity)
    end
  end
  if was == HELD then
    s.due_removed[#s.due_removed + 1] = sortable(id)
  end
  if target == RELEASED or target == EXPIRED then
    s.ended_added[#s.ended_added + 1] = pack('<I8I8', s.at, id)
  end
  if s.archived ~= 1 then
    local of = share_to_change(s, shopper)
    if is_open(was) and not is_open(target) then
      of.open = of.open - 1
    end
    if counts(was) and not counts(target) then
      of.units = of.units - units
    end
  end
  if replay then
    keep_hold(s, replay, id, target)
  end
end

local function fact_step_answered(s, id, state, replay)
  record(s, 14, pack('<I8', id) .. char(state) .. replay.key .. replay.body)
  keep_hold(s, replay, id, state)
end
