/* __init_tp sets the thread pointer itself. */
