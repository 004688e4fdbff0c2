/* status_chart: see status_chart.h. */
#include "status_chart.h"

#include "html.h"
#include "status_text.h"

/* The picture's own units; a browser stretches it. */
#define HEIGHT 40

static uint64_t
value_at(
    const struct status_chart *chart, const struct status_ring *ring, size_t i)
{
	const struct status_slot *slot = status_ring_at(ring, i);
	const uint64_t value = chart->value(slot);

	if (!chart->per_s)
		return value;
	return slot->ms > 0 ? value * 1000 / slot->ms : 0;
}

static uint64_t
highest(const struct status_chart *chart, const struct status_ring *ring)
{
	uint64_t max = 0;

	for (size_t i = 0; i < ring->count; i++)
		if (value_at(chart, ring, i) > max)
			max = value_at(chart, ring, i);
	return max;
}

/* A step for each slot, the newest at the right. */
static void
put_path(struct writer *w, const struct status_chart *chart,
    const struct status_ring *ring, uint64_t max)
{
	const size_t first = STATUS_RING_SLOTS - ring->count;

	writer_printf(w, "<path d=\"M%zu %d", first, HEIGHT);
	for (size_t i = 0; i < ring->count; i++) {
		const double y = HEIGHT -
		    (max > 0 ? (double)value_at(chart, ring, i) * (HEIGHT - 2) /
				(double)max
			     : 0);

		writer_printf(w, "V%.1fh1", y);
	}
	writer_printf(w, "V%dZ\"/>", HEIGHT);
}

void
status_chart_put(struct writer *w, const struct status_chart *chart,
    const struct status_ring *ring)
{
	const uint64_t max = highest(chart, ring);
	const uint64_t last =
	    ring->count > 0 ? value_at(chart, ring, ring->count - 1) : 0;
	char now_text[STATUS_TEXT], max_text[STATUS_TEXT];

	chart->format(now_text, last);
	chart->format(max_text, max);
	writer_printf(w, "<figure><figcaption><b>");
	html_escape(w, slice_str(chart->title));
	writer_printf(w, "</b> <span>%s%s</span> <small>max %s%s</small>",
	    ring->count > 0 ? now_text : "-",
	    ring->count > 0 ? chart->unit : "",
	    ring->count > 0 ? max_text : "-",
	    ring->count > 0 ? chart->unit : "");
	writer_printf(w,
	    "</figcaption><svg viewBox=\"0 0 %d %d\" "
	    "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"",
	    STATUS_RING_SLOTS, HEIGHT);
	html_escape(w, slice_str(chart->title));
	writer_printf(w, ", last hour\">");
	if (ring->count > 0)
		put_path(w, chart, ring, max);
	writer_printf(w, "</svg></figure>\n");
}
